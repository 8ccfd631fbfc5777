// How the functions of these headers are declared.
#pragma once

// Swift's functions and clang's differ in an attribute (`no-builtins`, by -ffreestanding) that keeps LLVM from
// inlining one into the other of its own accord: each instruction would become a call.
#define INSTRUCTION static inline __attribute__((always_inline))
