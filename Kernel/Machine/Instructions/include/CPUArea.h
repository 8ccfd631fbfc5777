// The part of per-CPU and per-thread memory that assembly shares with Swift. Offsets.c hands the offsets to
// the assembly.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Task-state segment (Intel SDM volume 3, section 8.7): only its stacks are used.
struct __attribute__((packed)) TaskStateSegment {
  uint32_t reserved0;
  uint64_t privilegeStacks[3];
  uint64_t reserved1;
  uint64_t interruptStacks[7];
  uint64_t reserved2;
  uint16_t reserved3;
  uint16_t portMapBase;
};

// What each CPU reaches through GS. Changed only by its own CPU, except where said.
struct CPUArea {
  struct CPUArea *self;
  void *currentThread;
  // The stack on which a system call starts: the current thread's.
  uint64_t kernelStackTop;
  // Scratch for the first instructions of a system call.
  uint64_t userStackPointer;
  uint32_t number;
  uint32_t apicID;
  // Above 0: this CPU must not be taken from the current thread.
  uint32_t preemptionDisabled;
  // Set by this CPU alone, in the rescheduling interrupt where another CPU asks for it.
  uint32_t needsReschedule;
  // How many interrupt handlers are on the stack: 0 or 1, since they run with interrupts disabled.
  uint32_t interruptDepth;

  // The FPU contract's per-CPU part.
  void *fpuOwner;  // other CPUs only take out a thread that has ended, by compare and exchange
  uint32_t fpuTrapsOnUse;
  uint32_t fpuKernelSectionOpen;
  uint32_t fpuReady;  // set once this CPU's FPU has been set up
  // PKRU as it was last read or written here.
  uint32_t protectionKeyRights;
  uint64_t fpuCounters[8];

  uint64_t globalDescriptors[15];
  struct TaskStateSegment taskState;

  // Swift's own record for this CPU.
  void *record;
};

// The head of a thread's record.
struct ThreadHead {
  // Where the registers that a function call preserves lie while the thread is switched out.
  uint64_t stackPointer;
  // Whether a debugger traces it (ptrace(2)). Written under its process's signal lock.
  uint8_t isTraced;
  // Whether system calls take the way that a debugger or the program itself sees: TRACED_CALLS_*. Written under its
  // process's signal lock, read by the thread without.
  uint8_t tracedCalls;
  // Whether the CPU's debug registers are the thread's while it runs. Written by its tracer while it is stopped, and by
  // the thread with interrupts disabled.
  uint8_t hasBreakpoints;
  uint8_t tracePadding[5];
  // What is to be done before the thread's next user-mode instruction: the assembly looks at all eight bytes
  // at once (ThreadHead_returnWork). A byte each, so that no writer needs a locked instruction on account of
  // another; and no union with the whole, since Swift writes a field of a union by writing all of it.

  // The thread may have to leave a restartable sequence. Written by the CPU that runs or is about to run it.
  uint8_t needsSequenceCheck;
  uint8_t padding[3];
  // Another thread is to run. Written by the CPU that runs the thread.
  uint8_t needsReschedule;
  // A signal may be pending. Written by anybody.
  uint8_t hasSignal;
  // The frame was changed, so that registers that SYSRET destroys matter. Written by the thread.
  uint8_t needsFullFrame;
  // The thread's FPU state is not in the registers. Written by the CPU that runs the thread. The last byte:
  // the policy's `isLive` follows it in the thread's record, and the compiler writes both at once.
  uint8_t needsFPULoad;
};

// What an entry into the kernel leaves on the thread's stack, lowest address first. The general registers
// come in the order of Linux's user_regs_struct.
struct TrapFrame {
  uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8;
  uint64_t rax, rcx, rdx, rsi, rdi;
  // The interrupt vector, I386_CALL_VECTOR among them, or SYSTEM_CALL_VECTOR.
  uint64_t vector;
  // The error code of an exception, the number of a system call, or 0.
  uint64_t errorCode;
  uint64_t rip, cs, rflags, rsp, ss;
};

#define SYSTEM_CALL_VECTOR 256
// INT 0x80: a system call by its i386 number.
#define I386_CALL_VECTOR 0x80

// It stops before and after each system call (PTRACE_SYSCALL).
#define TRACED_CALLS_STOP 1
// It stops after one instruction, of which a system call may be one (PTRACE_SINGLESTEP).
#define TRACED_CALLS_STEP 2
// It stops before each system call, which is not made (PTRACE_SYSEMU).
#define TRACED_CALLS_EMULATED 4
// The program may have them itself, as SIGSYS (PR_SET_SYSCALL_USER_DISPATCH). No tracer has to do with this one.
#define TRACED_CALLS_DISPATCHED 8
