// swift-tools-version: 6.2
// One package serves two builds. `swift test` compiles Core for the host; the Makefile compiles everything
// for the bare machine with `--triple x86_64-unknown-none-elf` and the flags in Kernel/toolset.json. No flag
// of the embedded build stands here, so that neither build needs an environment switch.
import PackageDescription

let package = Package(
  name: "Needletail",
  products: [
    .library(name: "Kernel", type: .static, targets: ["Start"])
  ],
  targets: [
    // Decisions. No hardware, no unsafe instruction: runs on the host as it runs in the kernel.
    .target(name: "Core", path: "Kernel/Core", exclude: ["FPU/README.md"]),
    // One instruction per function, as static inline C.
    .target(name: "Instructions", path: "Kernel/Machine/Instructions"),
    // Typed access to the processor, the platform's devices and raw memory.
    .target(
      name: "Machine", dependencies: ["Core", "Instructions"], path: "Kernel/Machine",
      exclude: [
        "Instructions", "Entry", "ExceptionTable.inc", "UserAccess.inc", "Offsets.c", "FPU/fpu.asm", "FPU/xor-blocks.asm",
        "FPU/self-test-registers.asm", "FPU/user-state.asm", "Debugger.asm", "VDSO/vdso-image.asm",
        "Memory/allocation-hooks.asm", "Memory/memory-routines.asm", "Memory/user-access.asm", "Memory/user-copy.asm",
        "Memory/reference-counts.asm", "FPU/StateMask.inc",
      ]),
    // What needs both: memory, threads, processes, system calls, console.
    .target(
      name: "System", dependencies: ["Core", "Machine"], path: "Kernel/System",
      exclude: [
        "Bench/README.md", "CoreDumps/README.md", "Devices/README.md", "Files/README.md", "Files/Procfs/README.md",
        "Futexes/README.md", "InterProcess/README.md", "Memory/README.md", "MessageQueues/README.md",
        "Processes/README.md", "Signals/README.md", "Terminal/README.md", "Threads/README.md", "Time/README.md",
        "Tracing/README.md",
      ]),
    // Tests that run in the guest and report as KTAP.
    .target(
      name: "SelfTests", dependencies: ["System"], path: "Kernel/SelfTests", exclude: ["README.md"]),
    // The order in which the kernel comes up, and what it then runs.
    .target(name: "Start", dependencies: ["System", "SelfTests"], path: "Kernel/Start"),
    // XSAVE on the processor that the tests run on.
    .target(name: "HardwareXSAVE", path: "Tests/HardwareXSAVE"),
    .testTarget(
      name: "CoreTests", dependencies: ["Core", "HardwareXSAVE"], path: "Tests/CoreTests"),
  ]
)
