import Machine

/// How many references there are to an object, which the caller keeps from ending.
///
/// Swift's own question, `isKnownUniquelyReferenced`, takes an optional's object in the upper half of the addresses for
/// one that is never freed, and says no (reference-counts.asm).
@inline(__always)
func referenceCount(of object: UnsafeRawPointer) -> UInt64 {
  // SAFETY: the second word of every object; its top bit has another meaning.
  atomicLoadWord((object + 8).assumingMemoryBound(to: UInt64.self)) & 0x7FFF_FFFF_FFFF_FFFF
}
