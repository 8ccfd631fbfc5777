// What system calls take: kinds of arguments, and for each a generator of good, odd and hostile values.
//
// All state of a life (see fuzz-calls.c) is here: its random stream, the descriptors and processes that earlier calls
// have given it, and the arena in which structures are laid out. Its threads share all but the random stream, and
// write to the arena while others' calls read it.
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include "../splitmix.h"
#include <stdint.h>

typedef unsigned long word;

// --- Random numbers

struct stream { uint64_t state; };

static inline word next(struct stream *stream) { return splitmix64(&stream->state); }
static inline word below(struct stream *stream, word limit) { return next(stream) % limit; }
static inline int one_in(struct stream *stream, word count) { return below(stream, count) == 0; }

// --- Kinds

// What a descriptor refers to.
enum type {
  FILE_, DIRECTORY, PIPE, SOCKET, EPOLL, EVENT, TIMER, SIGNALS, TERMINAL, GENERATED, PROCESS_, QUEUE,
  TYPES,
};

enum kind {
  K_NOTHING,
  K_NUMBER,       // any number that borders on something
  K_ONE,          // one of a list
  K_FLAGS,        // some of a list, combined
  K_ANYTHING,     // a number or a pointer
  K_DESCRIPTOR,   // of the type in `count`, or TYPES for any
  K_PATH, K_OWN_PATH,
  K_LENGTH,
  K_OUT,          // memory to write to
  K_IN,           // memory with arbitrary contents
  K_NULL_OR_OUT,
  K_VECTOR, K_TIME, K_TIME_VALUE, K_TIMER, K_SIGNAL_SET, K_ACTION, K_INFORMATION, K_STACK, K_MESSAGE, K_MESSAGES,
  K_ADDRESS_OF_SOCKET, K_SIZE_POINTER, K_POLL, K_DESCRIPTOR_SET, K_EPOLL_EVENT, K_SIGNAL_EVENT, K_LIMIT, K_CLONE,
  K_OPEN_HOW, K_SCHEDULING, K_CAPABILITY_HEADER, K_STRINGS, K_OFFSET_POINTER, K_LOCK, K_MASK_AND_SIZE, K_TEXT,
  K_MAP_ADDRESS, K_MAP_LENGTH, K_OFFSET, K_SIGNAL, K_PROCESS, K_TIMER_ID, K_USER, K_FUTEX,
  K_FUTEX_VECTOR, K_SEGMENT, K_QUEUE_ATTRIBUTES,
  K_IDENTIFIER,   // of shared memory, semaphores or a message queue
  K_OPERATIONS,   // of semaphores
  K_LETTER,       // for a message queue
};

struct argument {
  uint8_t kind;
  uint8_t count;
  const word *values;
};

#define LIST(...) sizeof((const word[]){__VA_ARGS__}) / sizeof(word), (const word[]){__VA_ARGS__}
#define ONE_OF(...) {K_ONE, LIST(__VA_ARGS__)}
#define FLAGS(...) {K_FLAGS, LIST(__VA_ARGS__)}
#define OF(name) {K_##name, 0, 0}
#define DESCRIPTOR_OF(type) {K_DESCRIPTOR, type, 0}
#define DESCRIPTOR DESCRIPTOR_OF(TYPES)
#define NUMBER OF(NUMBER)
#define PATH OF(PATH)
#define OUT OF(OUT)
#define IN OF(IN)
#define LENGTH OF(LENGTH)

// What becomes of a result.
enum result { R_NOTHING, R_PROCESS, R_DESCRIPTOR, R_PAIR = R_DESCRIPTOR + TYPES, R_IDENTIFIER = R_PAIR + TYPES };

// A number of i386, for a call that x86-64 does not have.
#define I386 0x4000

struct call {
  uint16_t number;
  // How often it is made, compared with others.
  uint16_t weight;
  // R_DESCRIPTOR or R_PAIR plus a type: of the result, or of the two at the pointer given in the last argument.
  uint8_t result;
  const char *name;
  struct argument arguments[6];
};

// --- The life

enum { POOL = 12 };
#define arena 0x10000000ul
#define arena_size (64 * 4096ul)
// Behind it: a page without access, one that can only be read, one of a file and one behind that file's end.
#define guard_page 0x10040000ul
#define read_only_page 0x10041000ul
#define file_page 0x10042000ul
#define beyond_file 0x10043000ul
// What mmap and its kin play with.
#define playground 0x20000000ul
#define playground_size (16ul << 20)

static int pools[TYPES][POOL];
static int processes[POOL];
static int identifiers[POOL];
static int own_process, is_root;

static const word numbers[] = {
  0, 1, 2, 3, 4, 7, 8, 12, 15, 16, 24, 31, 32, 48, 56, 63, 64, 65, 127, 128, 255, 256, 511, 512, 1000, 1023, 1024, 1025,
  4095, 4096, 4097, 8192, 65535, 65536, 1 << 20, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000,
  0xFFFFFFFFFFF, 0x7FFFFFFFF000, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, -1ul, -2ul, -8ul, -100ul, -4095ul, -4096ul,
  -4097ul,
};
static const word hostile_pointers[] = {
  0, 1, 8, 0xFFF, 0x1000, 0x7FFFFFFFEFF8, 0x7FFFFFFFEFFF, 0x7FFFFFFFF000, 0x7FFFFFFFFFF8, 0x7FFFFFFFFFFF,
  0x800000000000, 0x800000000001, 0x8000000000000000, 0xFFFF7FFFFFFFFFFF, 0xFFFF800000000000, 0xFFFF888000000000,
  0xFFFFFFFF80000000, 0xFFFFFFFF80100000, 0xFFFFFFFFFFFFF000, -8ul, -1ul,
};
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define PICK(stream, array) ((array)[below(stream, COUNT_OF(array))])

static inline word hostile_pointer(struct stream *stream) {
  switch (below(stream, 8)) {
  // The last bytes that there are before a page that is not.
  case 0: return guard_page - 1 - below(stream, 64);
  case 1: return guard_page;
  case 2: return read_only_page + below(stream, 4096);
  case 3: return beyond_file - below(stream, 32);
  case 4: return playground + below(stream, playground_size);
  case 5: return next(stream);
  default: return PICK(stream, hostile_pointers);
  }
}

// A place in the arena with at least `room` bytes behind it.
static inline word place(struct stream *stream, word room) {
  word address = arena + below(stream, arena_size - room);
  return one_in(stream, 16) ? address : address & ~15ul;
}

static inline int descriptor(struct stream *stream, int type) {
  word choice = below(stream, 32);
  if (choice == 0) return below(stream, 80);
  if (choice == 1) return PICK(stream, numbers);
  if (choice == 2) return -100;
  if (type == TYPES || choice < 5) type = below(stream, TYPES);
  return pools[type][below(stream, POOL)];
}

static inline void remember_descriptor(struct stream *stream, int type, int number) {
  pools[type][below(stream, POOL)] = number;
}

static inline int process(struct stream *stream) {
  switch (below(stream, 16)) {
  case 0: return 0;
  case 1: return 0x7FFFFFFF;
  case 2: return 0x80000000;
  case 3: return -own_process;
  case 4: return -(int)below(stream, 1 << 22) - 5000000;
  // Everybody: of root rarely, who reaches the other lives.
  case 5: return is_root && !one_in(stream, 64) ? 0 : -1;
  case 6: case 7: case 8: return own_process;
  case 9: return own_process + below(stream, 4);
  default: return processes[below(stream, POOL)];
  }
}

static const char *const paths[] = {
  "a", "b", "c", "d", "d/a", "d/b", "d/d", "d/d/a", "link", "loop", "fifo", "socket", "/work/a", "/work/d", "/work", "/",
  ".", "..", "../work/b", "", "a/b", "d/", "a/", "//", "/./work/../work/c", "/proc", "/proc/self", "/proc/self/maps",
  "/proc/self/fd", "/proc/self/fd/5", "/proc/self/fd/9", "/proc/self/stat", "/proc/self/status", "/proc/self/cmdline",
  "/proc/self/environ", "/proc/self/mem", "/proc/self/cwd", "/proc/self/root/work/a", "/proc/self/task",
  "/proc/thread-self/comm", "/proc/self/comm", "/proc/self/oom_score_adj", "/proc/self/mounts", "/proc/self/mountinfo",
  "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/uptime", "/proc/interrupts", "/proc/sys/kernel/hostname",
  "/proc/1/stat", "/proc/1/maps", "/proc/1/fd", "/proc/1/environ", "/proc/999999", "/dev/null", "/dev/zero", "/dev/full",
  "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts", "/dev/pts/0", "/dev/pts/1", "/prog", "/script",
};

// Puts a path into the arena.
static inline word path(struct stream *stream, int is_own) {
  word address = place(stream, 8192);
  char *text = (char *)address;
  word choice = below(stream, 40);
  if (choice == 0) {
    // Names and paths at and beyond their limits.
    static const word lengths[] = {254, 255, 256, 4094, 4095, 4096, 5000};
    word length = PICK(stream, lengths), period = one_in(stream, 2) ? 200 : 10000;
    for (word index = 0; index < length; index++) text[index] = index % period == period - 1 ? '/' : 'n';
    text[length] = 0;
  } else if (choice == 1) {
    for (int index = 0; index < 24; index++) text[index] = next(stream);
    text[24] = 0;
  } else {
    const char *source = paths[below(stream, is_own ? 25 : COUNT_OF(paths))];
    // Not beyond the arena's end.
    int index = 0;
    do text[index] = source[index];
    while (source[index++]);
  }
  return address;
}

static const word nanoseconds[] = {0, 0, 0, 1, 1000, 1000000, 2000000, 999999999, 1000000000, -1ul, 0x3FFFFFFF, 0x3FFFFFFE};
static const word seconds[] = {0, 0, 0, 0, 0, 0, 0, 1, -1ul, 0x7FFFFFFF, 0x100000000, 9223372036, 0x7FFFFFFFFFFFFFFF};

// A socket's address at `text`; returns its size.
static inline word socket_address(struct stream *stream, char *text) {
  *(uint16_t *)text = one_in(stream, 16) ? below(stream, 20) : 1;
  switch (below(stream, 4)) {
  case 0: text[2] = 0; text[3] = 'a' + below(stream, 6); return 4;
  case 1: text[2] = 's'; text[3] = '0' + below(stream, 4); text[4] = 0; return 5;
  case 2: return 2;
  default: return below(stream, 140);
  }
}

static inline word length_of(struct stream *stream) {
  switch (below(stream, 8)) {
  case 0: return PICK(stream, numbers);
  case 1: return below(stream, 70000);
  case 2: return 4096;
  default: return below(stream, 300);
  }
}

// Words that mean something somewhere: small numbers, descriptors, pointers.
static inline void scribble(struct stream *stream, word *words, int count) {
  for (int index = 0; index < count; index++) {
    switch (below(stream, 4)) {
    case 0: words[index] = PICK(stream, numbers); break;
    case 1: words[index] = place(stream, 4096); break;
    case 2: words[index] = below(stream, 64) | below(stream, 64) << 32; break;
    default: words[index] = 0;
    }
  }
}

static inline void vector(struct stream *stream, word *words, int count) {
  for (int index = 0; index < count; index++) {
    words[index * 2] = one_in(stream, 12) ? hostile_pointer(stream) : place(stream, 8192);
    words[index * 2 + 1] = one_in(stream, 12) ? PICK(stream, numbers) : below(stream, 400);
  }
}

// A `struct msghdr`, with what it names up to 2 KiB behind it.
static inline void message(struct stream *stream, word *words, word behind) {
  words[0] = one_in(stream, 3) ? behind : 0;
  words[1] = socket_address(stream, (char *)behind);
  words[2] = behind + 256;
  words[3] = one_in(stream, 20) ? PICK(stream, numbers) : below(stream, 6);
  vector(stream, (word *)(behind + 256), 6);
  words[4] = one_in(stream, 2) ? behind + 512 : 0;
  word *control = (word *)(behind + 512);
  if (one_in(stream, 4)) {
    control[0] = 28;
    control[1] = 1 | 2ul << 32;
    control[2] = own_process;
    control[3] = 0;
    words[5] = 32;
  } else {
    int count = one_in(stream, 10) ? 253 + below(stream, 3) : 1 + below(stream, 4);
    control[0] = 16 + 4 * count;
    control[1] = 1 | 1ul << 32;
    for (int index = 0; index < count; index++) ((int *)(control + 2))[index] = descriptor(stream, TYPES);
    words[5] = (control[0] + 7) & ~7ul;
  }
  if (one_in(stream, 12)) control[below(stream, 2)] = PICK(stream, numbers);
  if (one_in(stream, 12)) words[5] = PICK(stream, numbers);
  words[6] = 0;
}

// Lays a structure out in the arena and returns its address.
static word structure(struct stream *stream, int kind) {
  word address = place(stream, 8192) & ~7ul;
  word *words = (word *)address;
  uint32_t *halves = (uint32_t *)address;
  switch (kind) {
  case K_VECTOR: vector(stream, words, 16); break;
  case K_TIME:
  case K_TIMER:
    for (int index = 0; index < 4; index += 2) {
      words[index] = PICK(stream, seconds);
      words[index + 1] = PICK(stream, nanoseconds);
    }
    break;
  case K_TIME_VALUE:
    for (int index = 0; index < 4; index += 2) {
      words[index] = PICK(stream, seconds);
      words[index + 1] = PICK(stream, nanoseconds) / 1000;
    }
    break;
  case K_SIGNAL_SET: words[0] = one_in(stream, 2) ? next(stream) & ~(1ul << 13) : 1ul << below(stream, 64); break;
  case K_ACTION:
    words[0] = below(stream, 3) ? below(stream, 2) : PICK(stream, hostile_pointers);
    words[1] = next(stream) & 0xFFFFFFFFDC000007;
    words[2] = PICK(stream, hostile_pointers);
    words[3] = next(stream);
    break;
  case K_INFORMATION:
    scribble(stream, words, 16);
    halves[2] = one_in(stream, 2) ? -1ul : PICK(stream, numbers);
    break;
  case K_STACK:
    words[0] = one_in(stream, 3) ? hostile_pointer(stream) : playground;
    words[1] = one_in(stream, 2) ? 0 : PICK(stream, numbers);
    words[2] = one_in(stream, 3) ? PICK(stream, numbers) : 65536;
    break;
  case K_MESSAGE: message(stream, words, address + 128); break;
  case K_MESSAGES:
    for (int index = 0; index < 3; index++) message(stream, words + index * 8, address + 256 + 2048 * index);
    break;
  case K_ADDRESS_OF_SOCKET: socket_address(stream, (char *)address); break;
  case K_SIZE_POINTER: words[0] = one_in(stream, 4) ? PICK(stream, numbers) : below(stream, 130); break;
  case K_POLL:
    for (int index = 0; index < 64; index++) {
      words[index] = (uint32_t)descriptor(stream, TYPES) | (next(stream) & 0x203F) << 32;
    }
    break;
  case K_DESCRIPTOR_SET:
    for (int index = 0; index < 16; index++) words[index] = 0;
    for (int index = 0; index < 4; index++) {
      int number = descriptor(stream, TYPES);
      if (number >= 0 && number < 1024) words[number / 64] |= 1ul << number % 64;
    }
    if (one_in(stream, 20)) words[0] = next(stream);
    break;
  case K_EPOLL_EVENT:
    halves[0] = next(stream) & (one_in(stream, 3) ? 0xFFFFFFFF : 0x8000201F);
    halves[1] = halves[2] = next(stream);
    break;
  case K_QUEUE_ATTRIBUTES:
    words[0] = one_in(stream, 8) ? next(stream) : below(stream, 2) * O_NONBLOCK;
    words[1] = one_in(stream, 8) ? PICK(stream, numbers) : below(stream, 12);
    words[2] = one_in(stream, 8) ? PICK(stream, numbers) : 1 + below(stream, 300);
    break;
  case K_SIGNAL_EVENT:
    words[0] = next(stream);
    halves[2] = one_in(stream, 8) ? PICK(stream, numbers) : 34 + below(stream, 20);
    halves[3] = one_in(stream, 8) ? PICK(stream, numbers) : below(stream, 5);
    halves[4] = process(stream);
    break;
  case K_LIMIT:
    words[0] = one_in(stream, 2) ? PICK(stream, numbers) : 1ul << below(stream, 30);
    words[1] = one_in(stream, 4) ? PICK(stream, numbers) : words[0] < -4097ul ? words[0] * 2 + 64 : -1ul;
    break;
  case K_CLONE:
    for (int index = 0; index < 11; index++) words[index] = 0;
    words[0] = next(stream) & next(stream) & 0x37FFFFFF00;
    words[4] = one_in(stream, 8) ? PICK(stream, numbers) : 17;
    if (one_in(stream, 2)) {
      words[5] = one_in(stream, 8) ? hostile_pointer(stream) : playground;
      words[6] = one_in(stream, 8) ? PICK(stream, numbers) : 65536;
    }
    words[1] = words[2] = words[3] = place(stream, 64);
    if (one_in(stream, 6)) words[below(stream, 11)] = PICK(stream, numbers);
    break;
  case K_OPEN_HOW:
    words[0] = next(stream) & next(stream) & (one_in(stream, 8) ? -1ul : 02377703);
    words[1] = words[0] & 0100 ? next(stream) & 0777 : 0;
    words[2] = next(stream) & next(stream) & (one_in(stream, 8) ? -1ul : 0x3F);
    for (int index = 3; index < 8; index++) words[index] = 0;
    break;
  case K_SCHEDULING:
    scribble(stream, words, 6);
    halves[0] = one_in(stream, 4) ? PICK(stream, numbers) : 48;
    halves[1] = below(stream, 7);
    words[1] = below(stream, 2);
    break;
  case K_CAPABILITY_HEADER:
    halves[0] = one_in(stream, 8) ? next(stream) : one_in(stream, 3) ? 0x19980330 : 0x20080522;
    halves[1] = process(stream);
    break;
  case K_STRINGS: {
    int count = below(stream, 5);
    for (int index = 0; index < count; index++) {
      words[index] = one_in(stream, 20) ? hostile_pointer(stream) : path(stream, 0);
    }
    words[count] = 0;
    break;
  }
  case K_OFFSET_POINTER: words[0] = one_in(stream, 3) ? PICK(stream, numbers) : below(stream, 10000); break;
  case K_LOCK:
    halves[0] = below(stream, 4) | below(stream, 4) << 16;
    words[1] = one_in(stream, 4) ? PICK(stream, numbers) : below(stream, 1000);
    words[2] = one_in(stream, 4) ? PICK(stream, numbers) : below(stream, 1000);
    words[3] = one_in(stream, 4) ? next(stream) : 0;
    break;
  case K_MASK_AND_SIZE:
    words[0] = one_in(stream, 4) ? hostile_pointer(stream) : address + 64;
    words[1] = one_in(stream, 4) ? PICK(stream, numbers) : 8;
    words[8] = next(stream);
    break;
  case K_TEXT: {
    static const char *const texts[] = {
      "tmpfs", "proc", "sysfs", "devpts", "devtmpfs", "ramfs", "mqueue", "none", "size=1m", "mode=777,nr_inodes=5", "gid=4,ptmxmode=666",
      "user.name", "security.selinux", "name", "",
    };
    const char *source = PICK(stream, texts);
    int index = 0;
    do ((char *)address)[index] = source[index];
    while (source[index++]);
    break;
  }
  case K_FUTEX:
    // Few words, so that threads meet on them.
    address = arena + below(stream, 8) * 4;
    if (one_in(stream, 4)) *(uint32_t *)address = one_in(stream, 2) ? below(stream, 3) : (word)own_process;
    break;
  case K_FUTEX_VECTOR:
    for (int index = 0; index < 128; index++) {
      word other = arena + below(stream, 8) * 4;
      words[index * 3] = one_in(stream, 40) ? next(stream) : *(uint32_t *)other;
      words[index * 3 + 1] = one_in(stream, 200) ? hostile_pointer(stream) : other;
      words[index * 3 + 2] = one_in(stream, 200) ? next(stream) : one_in(stream, 2) ? 2 : 130;
    }
    break;
  case K_OPERATIONS:
    for (int index = 0; index < 12; index++) {
      int16_t *operation = (int16_t *)address + index * 3;
      operation[0] = one_in(stream, 30) ? next(stream) : below(stream, 4);
      operation[1] = one_in(stream, 30) ? next(stream) : below(stream, 7) - 3;
      operation[2] = below(stream, 4) * 0x800 | (one_in(stream, 4) ? 0 : 04000);
    }
    break;
  case K_LETTER: words[0] = one_in(stream, 8) ? next(stream) : below(stream, 5); break;
  case K_SEGMENT:
    halves[0] = one_in(stream, 4) ? PICK(stream, numbers) : one_in(stream, 3) ? -1ul : 11 + below(stream, 5);
    halves[1] = one_in(stream, 2) ? PICK(stream, numbers) : arena;
    halves[2] = one_in(stream, 2) ? PICK(stream, numbers) : 0xFFFFF;
    halves[3] = one_in(stream, 2) ? below(stream, 256) : 0x51;
    if (one_in(stream, 4)) halves[1] = halves[2] = halves[3] = 0;
    break;
  default: scribble(stream, words, 32);
  }
  return address;
}

static word argument(struct stream *stream, const struct argument *wanted) {
  word value = 0;
  // Now and then something else than what is asked for.
  if (wanted->kind != K_NOTHING && wanted->kind != K_PROCESS && one_in(stream, 50)) {
    return one_in(stream, 2) ? PICK(stream, numbers) : hostile_pointer(stream);
  }
  switch (wanted->kind) {
  // Most calls ignore what they have no argument for.
  case K_NOTHING: return one_in(stream, 16) ? next(stream) : 0;
  case K_NUMBER: return one_in(stream, 2) ? PICK(stream, numbers) : below(stream, 40);
  case K_ONE: return wanted->values[below(stream, wanted->count)];
  case K_FLAGS:
    do value |= wanted->values[below(stream, wanted->count)];
    while (!one_in(stream, 3));
    return one_in(stream, 30) ? value ^ 1ul << below(stream, 64) : value;
  case K_ANYTHING:
    switch (below(stream, 4)) {
    case 0: return PICK(stream, numbers);
    case 1: return below(stream, 64);
    case 2: return structure(stream, K_LOCK + below(stream, 2) * (K_SIZE_POINTER - K_LOCK));
    default: return structure(stream, K_IN);
    }
  case K_DESCRIPTOR: return (word)(long)descriptor(stream, wanted->count);
  case K_LENGTH: return length_of(stream);
  case K_MAP_ADDRESS:
    value = playground + (below(stream, playground_size) & ~4095ul);
    if (one_in(stream, 3)) value = playground + (below(stream, 16) << 12);
    return one_in(stream, 12) ? hostile_pointer(stream) : one_in(stream, 12) ? value + below(stream, 4096) : value;
  case K_MAP_LENGTH:
    if (one_in(stream, 12)) return PICK(stream, numbers);
    return one_in(stream, 4) ? below(stream, 4 << 20) : (1 + below(stream, 16)) << 12;
  case K_OFFSET:
    if (one_in(stream, 4)) return PICK(stream, numbers);
    return one_in(stream, 2) ? below(stream, 16) << 12 : below(stream, 70000);
  case K_SIGNAL: {
    // Those that end or stop everything more rarely.
    word number = one_in(stream, 10) ? PICK(stream, numbers) : below(stream, 66);
    return (number == 9 || number == 19) && !one_in(stream, 20) ? 10 : number;
  }
  case K_PROCESS: return (word)(long)process(stream);
  case K_IDENTIFIER:
    if (one_in(stream, 8)) return one_in(stream, 2) ? below(stream, 8) : PICK(stream, numbers);
    return identifiers[below(stream, POOL)];
  case K_TIMER_ID: return one_in(stream, 8) ? PICK(stream, numbers) : below(stream, 6);
  case K_USER: return one_in(stream, 2) ? -1ul : one_in(stream, 3) ? PICK(stream, numbers) : 1000 + below(stream, 4);
  }
  // Pointers: one in twelve is none that could be used.
  if (one_in(stream, 12)) return hostile_pointer(stream);
  switch (wanted->kind) {
  case K_PATH: return path(stream, 0);
  case K_OWN_PATH: return path(stream, 1);
  case K_OUT: return place(stream, 4096);
  case K_NULL_OR_OUT: return one_in(stream, 2) ? 0 : place(stream, 4096);
  default:
    if (one_in(stream, 20)) return 0;
    return structure(stream, wanted->kind);
  }
}
#endif
