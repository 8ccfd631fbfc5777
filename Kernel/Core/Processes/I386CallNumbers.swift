/// The numbers of Linux's system calls for i386, which INT 0x80 takes from 64-bit programs too.
public enum I386CallNumbers {
  /// A call of x86-64 that an i386 number stands for: its arguments mean the same with pointers of 32 bits, and no
  /// structure that it takes or gives is laid out otherwise.
  ///
  /// Integers of 32 bits and less are sign-extended by the calls themselves, as those of x86-64 programs are.
  ///
  /// - Returns: the number of x86-64; nil for a call that is not so, or that is unknown.
  public static func sameCall(as number: UInt32) -> UInt64? {
    switch number {
    case 1: 60  // exit
    case 3: 0  // read
    case 4: 1  // write
    case 5: 2  // open
    case 6: 3  // close
    case 8: 85  // creat
    case 9: 86  // link
    case 10: 87  // unlink
    case 12: 80  // chdir
    case 14: 133  // mknod
    case 15: 90  // chmod
    case 20: 39  // getpid
    case 21: 165  // mount
    case 27: 37  // alarm
    case 29: 34  // pause
    case 33: 21  // access
    case 36: 162  // sync
    case 37: 62  // kill
    case 38: 82  // rename
    case 39: 83  // mkdir
    case 40: 84  // rmdir
    case 41: 32  // dup
    case 42: 22  // pipe
    case 45: 12  // brk
    case 52: 166  // umount2
    case 57: 109  // setpgid
    case 60: 95  // umask
    case 61: 161  // chroot
    case 63: 33  // dup2
    case 64: 110  // getppid
    case 65: 111  // getpgrp
    case 66: 112  // setsid
    case 74: 170  // sethostname
    case 83: 88  // symlink
    case 85: 89  // readlink
    case 88: 169  // reboot
    case 91: 11  // munmap
    case 93: 77  // ftruncate
    case 94: 91  // fchmod
    case 96: 140  // getpriority
    case 97: 141  // setpriority
    case 103: 103  // syslog
    case 111: 153  // vhangup
    case 118: 74  // fsync
    case 121: 171  // setdomainname
    case 122: 63  // uname
    case 123: 154  // modify_ldt
    case 125: 10  // mprotect
    case 132: 121  // getpgid
    case 133: 81  // fchdir
    case 136: 135  // personality
    case 143: 73  // flock
    case 144: 26  // msync
    case 147: 124  // getsid
    case 148: 75  // fdatasync
    case 150...153: UInt64(number) - 150 + 149  // mlock, munlock, mlockall, munlockall
    case 154...157: UInt64(number) - 154 + 142  // sched_setparam, _getparam, _setscheduler, _getscheduler
    case 158: 24  // sched_yield
    case 159: 146  // sched_get_priority_max
    case 160: 147  // sched_get_priority_min
    case 168: 7  // poll
    case 172: 157  // prctl
    case 175: 14  // rt_sigprocmask
    case 176: 127  // rt_sigpending
    case 179: 130  // rt_sigsuspend
    case 183: 79  // getcwd
    case 184: 125  // capget
    case 185: 126  // capset
    default: laterSameCall(as: number)
    }
  }

  /// Of those from 198 on, whose identifiers have 32 bits, and from 403 on, whose times have 64.
  private static func laterSameCall(as number: UInt32) -> UInt64? {
    switch number {
    case 0: 219  // restart_syscall
    case 198: 94  // lchown32
    case 199: 102  // getuid32
    case 200: 104  // getgid32
    case 201: 107  // geteuid32
    case 202: 108  // getegid32
    case 203: 113  // setreuid32
    case 204: 114  // setregid32
    case 205: 115  // getgroups32
    case 206: 116  // setgroups32
    case 207: 93  // fchown32
    case 208...211: UInt64(number) - 208 + 117  // setresuid32, getresuid32, setresgid32, getresgid32
    case 212: 92  // chown32
    case 213: 105  // setuid32
    case 214: 106  // setgid32
    case 215: 122  // setfsuid32
    case 216: 123  // setfsgid32
    case 217: 155  // pivot_root
    case 218: 27  // mincore
    case 219: 28  // madvise
    case 220: 217  // getdents64
    case 224: 186  // gettid
    case 226...237: UInt64(number) - 226 + 188  // setxattr and all others of extended attributes
    case 238: 200  // tkill
    case 239: 40  // sendfile64
    case 252: 231  // exit_group
    case 254: 213  // epoll_create
    case 255: 233  // epoll_ctl
    case 256: 232  // epoll_wait
    case 258: 218  // set_tid_address
    case 262: 225  // timer_getoverrun
    case 263: 226  // timer_delete
    case 270: 234  // tgkill
    case 278: 241  // mq_unlink
    case 289: 251  // ioprio_set
    case 290: 252  // ioprio_get
    case 291...293: UInt64(number) - 291 + 253  // inotify_init, inotify_add_watch, inotify_rm_watch
    case 295...298: UInt64(number) - 295 + 257  // openat, mkdirat, mknodat, fchownat
    // unlinkat, renameat, linkat, symlinkat, readlinkat, fchmodat, faccessat
    case 301...307: UInt64(number) - 301 + 263
    case 310: 272  // unshare
    case 313: 275  // splice
    case 315: 276  // tee
    case 318: 309  // getcpu
    case 319: 281  // epoll_pwait
    case 321: 282  // signalfd
    case 322: 283  // timerfd_create
    case 323: 284  // eventfd
    case 327...332: UInt64(number) - 327 + 289  // signalfd4, eventfd2, epoll_create1, dup3, pipe2, inotify_init1
    case 340: 302  // prlimit64
    case 341: 303  // name_to_handle_at
    case 342: 304  // open_by_handle_at
    case 344: 306  // syncfs
    case 346: 308  // setns
    case 351: 314  // sched_setattr
    case 352: 315  // sched_getattr
    case 353: 316  // renameat2
    case 355: 318  // getrandom
    case 356: 319  // memfd_create
    case 359: 41  // socket
    case 360: 53  // socketpair
    case 361: 49  // bind
    case 362: 42  // connect
    case 363: 50  // listen
    case 364: 288  // accept4
    case 367: 51  // getsockname
    case 368: 52  // getpeername
    case 369: 44  // sendto
    case 371: 45  // recvfrom
    case 373: 48  // shutdown
    case 375: 324  // membarrier
    case 376: 325  // mlock2
    case 377: 326  // copy_file_range
    case 380: 329  // pkey_mprotect
    case 381: 330  // pkey_alloc
    case 382: 331  // pkey_free
    case 383: 332  // statx
    case 386: 334  // rseq
    case 403: 228  // clock_gettime64
    case 404: 227  // clock_settime64
    case 405: 305  // clock_adjtime64
    case 406: 229  // clock_getres_time64
    case 407: 230  // clock_nanosleep_time64
    case 408: 224  // timer_gettime64
    case 409: 223  // timer_settime64
    case 410: 287  // timerfd_gettime64
    case 411: 286  // timerfd_settime64
    case 412: 280  // utimensat_time64
    case 414: 271  // ppoll_time64
    case 422: 202  // futex_time64
    case 423: 148  // sched_rr_get_interval_time64
    case 434: 434  // pidfd_open
    case 436...439: UInt64(number)  // close_range, openat2, pidfd_getfd, faccessat2
    case 441: 441  // epoll_pwait2
    case 449: 449  // futex_waitv
    case 452: 452  // fchmodat2
    default: nil
    }
  }

  /// What a call that tells identifiers of 16 bits makes of one (uid_t of getuid(2)'s first version).
  public static func shortIdentifier(_ identifier: Int64) -> Int64 { identifier & ~0xFFFF == 0 ? identifier : 65534 }

  /// restart_syscall(2)
  public static var resumingCall: UInt64 { 0 }
}
