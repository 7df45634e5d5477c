//! Every system call of Linux, sorted by what it is for and what a container may do with it.
//!
//! The rule: what acts on the process itself, on files it can already reach and on its own namespaces is allowed; what
//! makes or changes things of the whole machine is allowed with the capability that governs it; what has no place in a
//! container is denied. A call in none of these lists does not exist for the container (ENOSYS), so that programs fall
//! back to older calls. The lists are words in a text. `tests.rs` insists that each call stands in exactly one list, so
//! that a new kernel's calls are decided here.

/// Open files: making, reading, writing and closing them.
const FILES: &str = "
    _llseek arm_fadvise64_64 arm_sync_file_range close close_range copy_file_range creat dup dup2 dup3
    fadvise64 fadvise64_64 fallocate fcntl fcntl64 fdatasync flock fsync ftruncate ftruncate64 ioctl lseek
    memfd_create memfd_secret open openat openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev
    pwritev2 read readahead readv sendfile sendfile64 splice sync sync_file_range syncfs tee truncate
    truncate64 vmsplice write writev
";

/// The tree of names, and which mounts of it this process sees (what /proc/self/mountinfo shows as well).
const NAMES: &str = "
    access chdir faccessat faccessat2 fchdir getcwd getdents getdents64 link linkat listmount mkdir mkdirat
    mknod mknodat name_to_handle_at readlink readlinkat rename renameat renameat2 rmdir statmount symlink
    symlinkat umask unlink unlinkat
";

/// What files are like, who owns them, and their extended attributes.
const METADATA: &str = "
    chmod chown chown32 fchmod fchmodat fchmodat2 fchown fchown32 fchownat fgetxattr file_getattr
    file_setattr flistxattr fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 futimesat
    getxattr getxattrat lchown lchown32 lgetxattr listxattr listxattrat llistxattr lremovexattr lsetxattr
    lstat lstat64 newfstatat removexattr removexattrat setxattr setxattrat stat stat64 statfs statfs64 statx
    utime utimensat utimensat_time64 utimes
";

/// Waiting for events, and POSIX asynchronous I/O (the one before io_uring).
const EVENTS: &str = "
    _newselect epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
    epoll_wait_old eventfd eventfd2 fanotify_mark inotify_add_watch inotify_init inotify_init1
    inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit
    poll ppoll ppoll_time64 pselect6 pselect6_time64 select signalfd signalfd4 timerfd_create
    timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64
";

/// The process's own memory.
const MEMORY: &str = "
    brk cachestat madvise map_shadow_stack membarrier mincore mlock mlock2 mlockall mmap mmap2 mprotect
    mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease
    remap_file_pages
";

/// Processes and threads: starting, waiting, scheduling, limiting, confining, watching. Tracing among them: since Linux
/// 4.8 a tracer cannot get round its tracee's filter, and debuggers in ephemeral containers need it. `uprobe` and
/// `uretprobe` are issued by the kernel's own trampolines in whatever program is being traced.
const PROCESSES: &str = "
    arch_prctl breakpoint cacheflush execve execveat exit exit_group fork get_robust_list get_thread_area
    get_tls getcpu getpgid getpgrp getpid getppid getpriority getrlimit getrusage getsid gettid ioprio_get
    ioprio_set landlock_add_rule landlock_create_ruleset landlock_restrict_self lsm_get_self_attr
    lsm_list_modules lsm_set_self_attr modify_ldt nice pidfd_open pidfd_send_signal prctl prlimit64
    process_vm_readv process_vm_writev ptrace restart_syscall rseq sched_get_priority_max
    sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
    sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam
    sched_setscheduler sched_yield seccomp set_robust_list set_thread_area set_tid_address set_tls setpgid
    setpriority setrlimit setsid sysinfo times ugetrlimit uname uprobe uretprobe vfork wait4 waitid waitpid
";

/// Users, groups and capabilities; the kernel checks each change.
const IDENTITY: &str = "
    capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid
    getresgid32 getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid
    setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid
    setreuid32 setuid setuid32
";

/// Signals and locks.
const SIGNALS: &str = "
    alarm futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake kill pause rt_sigaction
    rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
    rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaction sigaltstack signal sigpending sigprocmask sigreturn
    sigsuspend tgkill tkill
";

/// Clocks, read; and set as far as the kernel lets a process without CAP_SYS_TIME (adjtimex(2) also only reads).
const TIME: &str = "
    adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
    clock_nanosleep clock_nanosleep_time64 getitimer getrandom gettimeofday nanosleep setitimer time
    timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
";

/// Sockets that exist; `socket` itself is decided by address family. And System V and POSIX IPC, in the pod's namespace.
const COMMUNICATION: &str = "
    accept accept4 bind connect getpeername getsockname getsockopt ipc listen mq_getsetattr mq_notify
    mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget
    msgrcv msgsnd recv recvfrom recvmmsg recvmmsg_time64 recvmsg semctl semget semop semtimedop
    semtimedop_time64 send sendmmsg sendmsg sendto setsockopt shmat shmctl shmdt shmget shutdown socketpair
";

/// For everybody.
pub(super) const ALLOWED: [&str; 10] =
    [FILES, NAMES, METADATA, EVENTS, MEMORY, PROCESSES, IDENTITY, SIGNALS, TIME, COMMUNICATION];

/// With any one of these capabilities; EPERM without.
pub(super) const GOVERNED: [(&[&str], &str); 14] = [
    (
        &["SYS_ADMIN"],
        "
            clone3 fanotify_init fsconfig fsmount fsopen fspick listns mount mount_setattr move_mount
            open_tree open_tree_attr pivot_root quotactl quotactl_fd setdomainname sethostname setns umount
            umount2 unshare
        ",
    ),
    (&["SYS_ADMIN", "BPF"], "bpf"),
    (&["SYS_ADMIN", "PERFMON"], "perf_event_open"),
    (&["SYS_ADMIN", "SYSLOG"], "syslog"),
    (&["DAC_READ_SEARCH"], "open_by_handle_at"),
    (&["SYS_BOOT"], "reboot"),
    (&["SYS_CHROOT"], "chroot"),
    (&["SYS_MODULE"], "delete_module finit_module init_module"),
    (&["SYS_NICE"], "get_mempolicy mbind migrate_pages move_pages set_mempolicy set_mempolicy_home_node"),
    (&["SYS_PACCT"], "acct"),
    (&["SYS_PTRACE"], "kcmp pidfd_getfd process_madvise userfaultfd"),
    (&["SYS_RAWIO"], "ioperm iopl"),
    (&["SYS_TIME"], "clock_settime clock_settime64 settimeofday stime"),
    (&["SYS_TTY_CONFIG"], "vhangup"),
];

/// For nobody. Keyrings are not per container; io_uring gets round this filter and has had more holes than any other
/// part of the kernel; the rest belongs to the machine.
pub(super) const DENIED: &str = "
    add_key io_uring_enter io_uring_register io_uring_setup kexec_file_load kexec_load keyctl
    pciconfig_iobase pciconfig_read pciconfig_write request_key swapoff swapon usr26 usr32 vm86 vm86old
";

/// Decided by their arguments, in `runtime_default.rs`.
#[cfg(test)]
pub(super) const BY_ARGUMENT: &str = "
    clone personality socket socketcall
";

/// Gone from the kernel, or never there: ENOSYS, as the kernel itself would say.
#[cfg(test)]
pub(super) const OBSOLETE: &str = "
    _sysctl afs_syscall bdflush break create_module ftime get_kernel_syms getpmsg gtty idle lock
    lookup_dcookie mpx nfsservctl oldfstat oldlstat oldolduname oldstat olduname prof profil putpmsg
    query_module readdir security sgetmask ssetmask stty sysfs tuxcall ulimit uselib ustat vserver
";
