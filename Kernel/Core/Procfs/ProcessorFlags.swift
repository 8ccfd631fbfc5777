/// What Linux calls the features that CPUID reports, by the bits of a register; nil for those that it does not show.
///
/// The names are part of the interface: programs look for them in /proc/cpuinfo.
enum ProcessorFlags {
  /// CPUID 1, EDX
  static func basicEDX(_ bit: UInt32) -> StaticString? {
    switch bit {
    case 0: "fpu"
    case 1: "vme"
    case 2: "de"
    case 3: "pse"
    case 4: "tsc"
    case 5: "msr"
    case 6: "pae"
    case 7: "mce"
    case 8: "cx8"
    case 9: "apic"
    case 11: "sep"
    case 12: "mtrr"
    case 13: "pge"
    case 14: "mca"
    case 15: "cmov"
    case 16: "pat"
    case 17: "pse36"
    case 18: "pn"
    case 19: "clflush"
    case 21: "dts"
    case 22: "acpi"
    case 23: "mmx"
    case 24: "fxsr"
    case 25: "sse"
    case 26: "sse2"
    case 27: "ss"
    case 28: "ht"
    case 29: "tm"
    case 30: "ia64"
    case 31: "pbe"
    default: nil
    }
  }

  /// CPUID 8000_0001h, EDX
  static func extendedEDX(_ bit: UInt32) -> StaticString? {
    switch bit {
    case 11: "syscall"
    case 19: "mp"
    case 20: "nx"
    case 22: "mmxext"
    case 25: "fxsr_opt"
    case 26: "pdpe1gb"
    case 27: "rdtscp"
    case 29: "lm"
    case 30: "3dnowext"
    case 31: "3dnow"
    default: nil
    }
  }

  /// CPUID 1, ECX
  static func basicECX(_ bit: UInt32) -> StaticString? {
    switch bit {
    case 0: "pni"
    case 1: "pclmulqdq"
    case 2: "dtes64"
    case 3: "monitor"
    case 4: "ds_cpl"
    case 5: "vmx"
    case 6: "smx"
    case 7: "est"
    case 8: "tm2"
    case 9: "ssse3"
    case 10: "cid"
    case 11: "sdbg"
    case 12: "fma"
    case 13: "cx16"
    case 14: "xtpr"
    case 15: "pdcm"
    case 17: "pcid"
    case 18: "dca"
    case 19: "sse4_1"
    case 20: "sse4_2"
    case 21: "x2apic"
    case 22: "movbe"
    case 23: "popcnt"
    case 24: "tsc_deadline_timer"
    case 25: "aes"
    case 26: "xsave"
    case 28: "avx"
    case 29: "f16c"
    case 30: "rdrand"
    case 31: "hypervisor"
    default: nil
    }
  }

  /// CPUID 8000_0001h, ECX
  static func extendedECX(_ bit: UInt32) -> StaticString? {
    switch bit {
    case 0: "lahf_lm"
    case 1: "cmp_legacy"
    case 2: "svm"
    case 3: "extapic"
    case 4: "cr8_legacy"
    case 5: "abm"
    case 6: "sse4a"
    case 7: "misalignsse"
    case 8: "3dnowprefetch"
    case 9: "osvw"
    case 10: "ibs"
    case 11: "xop"
    case 12: "skinit"
    case 13: "wdt"
    case 15: "lwp"
    case 16: "fma4"
    case 17: "tce"
    case 19: "nodeid_msr"
    case 21: "tbm"
    case 22: "topoext"
    case 23: "perfctr_core"
    case 24: "perfctr_nb"
    case 26: "bpext"
    case 27: "ptsc"
    case 28: "perfctr_llc"
    case 29: "mwaitx"
    default: nil
    }
  }

  /// CPUID 7, EBX
  static func structuredEBX(_ bit: UInt32) -> StaticString? {
    switch bit {
    case 0: "fsgsbase"
    case 1: "tsc_adjust"
    case 2: "sgx"
    case 3: "bmi1"
    case 4: "hle"
    case 5: "avx2"
    case 7: "smep"
    case 8: "bmi2"
    case 9: "erms"
    case 10: "invpcid"
    case 11: "rtm"
    case 12: "cqm"
    case 14: "mpx"
    case 15: "rdt_a"
    case 16: "avx512f"
    case 17: "avx512dq"
    case 18: "rdseed"
    case 19: "adx"
    case 20: "smap"
    case 21: "avx512ifma"
    case 23: "clflushopt"
    case 24: "clwb"
    case 25: "intel_pt"
    case 26: "avx512pf"
    case 27: "avx512er"
    case 28: "avx512cd"
    case 29: "sha_ni"
    case 30: "avx512bw"
    case 31: "avx512vl"
    default: nil
    }
  }

  /// CPUID 0Dh subleaf 1, EAX
  static func extendedStateEAX(_ bit: UInt32) -> StaticString? {
    switch bit {
    case 0: "xsaveopt"
    case 1: "xsavec"
    case 2: "xgetbv1"
    case 3: "xsaves"
    default: nil
    }
  }

  /// CPUID 7 subleaf 1, EAX
  static func structured1EAX(_ bit: UInt32) -> StaticString? {
    switch bit {
    case 4: "avx_vnni"
    case 5: "avx512_bf16"
    default: nil
    }
  }

  /// CPUID 8000_0008h, EBX
  static func sizesEBX(_ bit: UInt32) -> StaticString? {
    switch bit {
    case 0: "clzero"
    case 1: "irperf"
    case 2: "xsaveerptr"
    case 4: "rdpru"
    case 9: "wbnoinvd"
    case 12: "ibpb"
    case 14: "ibrs"
    case 15: "stibp"
    case 24: "amd_ssbd"
    case 25: "virt_ssbd"
    default: nil
    }
  }

  /// CPUID 6, EAX
  static func powerEAX(_ bit: UInt32) -> StaticString? {
    switch bit {
    case 0: "dtherm"
    case 1: "ida"
    case 2: "arat"
    case 4: "pln"
    case 6: "pts"
    case 7: "hwp"
    default: nil
    }
  }

  /// CPUID 7, ECX
  static func structuredECX(_ bit: UInt32) -> StaticString? {
    switch bit {
    case 1: "avx512vbmi"
    case 2: "umip"
    case 3: "pku"
    case 5: "waitpkg"
    case 6: "avx512_vbmi2"
    case 8: "gfni"
    case 9: "vaes"
    case 10: "vpclmulqdq"
    case 11: "avx512_vnni"
    case 12: "avx512_bitalg"
    case 13: "tme"
    case 14: "avx512_vpopcntdq"
    case 16: "la57"
    case 22: "rdpid"
    case 25: "cldemote"
    case 27: "movdiri"
    case 28: "movdir64b"
    case 29: "enqcmd"
    default: nil
    }
  }

  /// CPUID 7, EDX
  static func structuredEDX(_ bit: UInt32) -> StaticString? {
    switch bit {
    case 2: "avx512_4vnniw"
    case 3: "avx512_4fmaps"
    case 4: "fsrm"
    case 8: "avx512_vp2intersect"
    case 10: "md_clear"
    case 14: "serialize"
    case 16: "tsxldtrk"
    case 18: "pconfig"
    case 19: "arch_lbr"
    case 20: "ibt"
    case 22: "amx_bf16"
    case 23: "avx512_fp16"
    case 24: "amx_tile"
    case 25: "amx_int8"
    case 28: "flush_l1d"
    case 29: "arch_capabilities"
    default: nil
    }
  }
}
