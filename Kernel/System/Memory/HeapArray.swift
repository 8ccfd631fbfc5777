import Core

/// An array of the kernel's heap whose growth may fail, for what programs can make as long as they like: running
/// out is an error then. Swift's own arrays cannot report it.
///
/// The owner has a lock for it, makes room before it adds an element, and frees it in the end:
///
///     guard array.makeRoom() else { throw .outOfMemory }
///     array.append(element)
///
/// Implementation: one block of the heap, so that 4 MiB is the most. Growth doubles it.
struct HeapArray<Element> {
  private var elements: UnsafeMutablePointer<Element>?
  private(set) var count = 0
  private var capacity = 0

  init() {}

  /// Sees to it that `count` more elements fit.
  ///
  /// - Returns: false when memory is out.
  mutating func makeRoom(for added: Int = 1) -> Bool {
    let needed = count + added
    return needed <= capacity || grow(to: needed)
  }

  @inline(never)
  private mutating func grow(to needed: Int) -> Bool {
    var wanted = max(capacity, 8)
    while wanted < needed { wanted *= 2 }
    let size = wanted * MemoryLayout<Element>.stride
    guard Frames.freeCount > Frames.reserve + size / 4096,
      let memory = KernelHeap.allocate(size: size, alignment: max(MemoryLayout<Element>.alignment, 16))
    else { return false }
    let larger = memory.bindMemory(to: Element.self, capacity: wanted)
    if let elements {
      larger.moveInitialize(from: elements, count: count)
      KernelHeap.deallocate(elements)
    }
    elements = larger
    capacity = wanted
    return true
  }

  /// - Parameter index: below `count`, here and in what follows.
  @inline(__always)
  subscript(index: Int) -> Element {
    get { elements.unsafelyUnwrapped[index] }
    nonmutating _modify { yield &elements.unsafelyUnwrapped[index] }
  }

  /// Adds an element at the end, where room has been made.
  mutating func append(_ element: Element) {
    (elements.unsafelyUnwrapped + count).initialize(to: element)
    count += 1
  }

  /// Adds an element in front of the one at `index`, where room has been made.
  mutating func insert(_ element: Element, at index: Int) {
    let place = elements.unsafelyUnwrapped + index
    (place + 1).moveInitialize(from: place, count: count - index)
    place.initialize(to: element)
    count += 1
  }

  mutating func remove(at index: Int) -> Element {
    let place = elements.unsafelyUnwrapped + index
    let element = place.move()
    place.moveInitialize(from: place + 1, count: count - index - 1)
    count -= 1
    return element
  }

  /// Drops all elements and gives the memory back.
  mutating func removeAll() {
    guard let elements else { return }
    self.elements = nil
    elements.deinitialize(count: count)
    KernelHeap.deallocate(elements)
    count = 0
    capacity = 0
  }
}
