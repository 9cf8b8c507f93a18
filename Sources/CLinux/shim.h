// What `import Glibc` does not show: epoll and its kin (they are not in Glibc's module map), and calls that glibc declares
// only with _GNU_SOURCE, declared under our own names.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

// `errno` is a macro over a function; Swift code reads and clears it through these.
static inline int midihub_errno(void) { return errno; }

// GNU-only (needs _GNU_SOURCE, which would change the types of bind and connect): declared under our own names.
int midihub_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) __asm__("accept4");
int midihub_pipe2(int fds[2], int flags) __asm__("pipe2");
int midihub_fallocate(int fd, int mode, off_t offset, off_t length) __asm__("fallocate");
int midihub_pthread_setname(pthread_t thread, const char *name) __asm__("pthread_setname_np");
int midihub_spawn_closefrom(posix_spawn_file_actions_t *actions, int from) __asm__("posix_spawn_file_actions_addclosefrom_np");

// No glibc wrapper before 2.36; the numbers are the same on every architecture.
static inline int midihub_pidfd_open(pid_t pid) { return (int)syscall(434, pid, 0); }
static inline int midihub_pidfd_send_signal(int pidfd, int signal) { return (int)syscall(424, pidfd, signal, 0, 0); }

// GNU-only: the calling thread's network is another one from now on (CLONE_NEWNET).
static inline int midihub_setns(int space) { return (int)syscall(SYS_setns, space, 0x40000000); }

static inline int midihub_own_descriptors(void) { return (int)syscall(SYS_unshare, 0x400); }  // CLONE_FILES

// A process that has this one's memory (CLONE_VM), and neither its descriptors nor its signals. It ends with the thread that
// began it. Since the library's variables of that thread (`errno`) are its own too, it makes system calls and nothing else.
int midihub_clone(int (*body)(void *), void *stack, int flags, void *argument, ...) __asm__("clone");
static inline int midihub_be_companion(void *parent) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != (pid_t)(intptr_t)parent) return 0;
    prctl(PR_SET_NAME, "midihub-memory", 0, 0, 0);
    syscall(436, 0, ~0u, 0);  // close_range
    for (;;) syscall(SYS_ppoll, 0, 0, 0, 0, 0);
}
static inline int midihub_begin_companion(void) {
    enum { size = 16384 };
    char *stack = (char *)mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == (char *)MAP_FAILED) return -1;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int pid = midihub_clone(midihub_be_companion, stack + size, 0x100, (void *)(intptr_t)getpid());
    pthread_sigmask(SIG_SETMASK, &before, 0);
    return pid;
}

// Macros that take apart the status of waitpid.
static inline int midihub_exited(int status) { return WIFEXITED(status); }
static inline int midihub_exit_code(int status) { return WEXITSTATUS(status); }
static inline int midihub_term_signal(int status) { return WTERMSIG(status); }

// A C struct with a union: its data member is set here.
static inline int midihub_epoll_ctl(int epoll, int operation, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = { .events = events, .data = { .u64 = data } };
    return epoll_ctl(epoll, operation, fd, &event);
}
static inline uint64_t midihub_epoll_data(const struct epoll_event *event) { return event->data.u64; }

// POSIX_SPAWN_SETSID, MFD_CLOEXEC the punch-hole flags and open file description locks are GNU-only macros.
static const int midihub_ofd_getlk = 36, midihub_ofd_setlk = 37;
enum { midihub_spawn_setsid = 0x80, midihub_punch_hole = 0x02 | 0x01 };

// GNU-only, and in glibc since 2.27.
int midihub_memfd_create(const char *name, unsigned flags) __asm__("memfd_create");
enum { midihub_mfd_cloexec = 1 };

// The type of a file system: struct and function share a name, which Swift does not take apart.
static inline long midihub_filesystem_type(const char *path) {
    struct statfs status;
    return statfs(path, &status) == 0 ? (long)status.f_type : -1;
}

// A GNU-only macro, and an enumeration whose type depends on _GNU_SOURCE.
static const int midihub_sched_reset_on_fork = 0x40000000;
static inline int midihub_realtime_limit(struct rlimit *limit) { return getrlimit(RLIMIT_RTPRIO, limit); }
static inline int midihub_set_realtime_limit(const struct rlimit *limit) { return setrlimit(RLIMIT_RTPRIO, limit); }

static inline int midihub_memory_limit(struct rlimit *limit) { return getrlimit(RLIMIT_MEMLOCK, limit); }
static inline int midihub_set_memory_limit(const struct rlimit *limit) { return setrlimit(RLIMIT_MEMLOCK, limit); }
static const rlim_t midihub_unlimited = RLIM_INFINITY;
enum { midihub_mcl_onfault = 4 };

// Variadic.
static inline int midihub_be_dumpable(void) { return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }
static inline int midihub_signal_at_parents_end(int signal) { return prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }

// Variadic: octets that were sent and are not acknowledged yet, or wait to be sent (tcp(7) SIOCOUTQ, which is TIOCOUTQ).
static inline int midihub_unacknowledged(int fd, int *octets) { return ioctl(fd, TIOCOUTQ, octets); }

// Signal sets are opaque to Swift.
static inline void midihub_block_signals(const int *signals, int count, int how) {
    sigset_t set; sigemptyset(&set);
    for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
    pthread_sigmask(how, &set, 0);
}
static inline int midihub_signalfd(const int *signals, int count) {
    sigset_t set; sigemptyset(&set);
    for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
static inline void midihub_ignore_signal(int number) { signal(number, SIG_IGN); }

// GNU-only, and in glibc since 2.12 and 2.14: many datagrams a system call. The layout of struct mmsghdr is the kernel's.
struct midihub_mmsghdr {
    struct msghdr header;
    unsigned int length;
};
int midihub_recvmmsg(int fd, struct midihub_mmsghdr *messages, unsigned int count, int flags, void *timeout) __asm__("recvmmsg");
int midihub_sendmmsg(int fd, struct midihub_mmsghdr *messages, unsigned int count, int flags) __asm__("sendmmsg");

// Which of this machine's addresses a datagram came to, or is to leave from (ip(7) IP_PKTINFO, RFC 3542 section 6): macros,
// and a struct that is GNU-only. An IPv4 address is in its mapped form, as sockets of both families have it.
struct midihub_local {
    uint8_t address[16];
    uint32_t interface;
};
enum { midihub_control_size = 64 };
static inline int midihub_want_local(int fd, int family) {
    int on = 1;
    return family == AF_INET ? setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on)
                             : setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
}
static inline int midihub_get_local(struct msghdr *message, struct midihub_local *local) {
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
            memcpy(local, CMSG_DATA(part), sizeof *local);
            return 1;
        }
        if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo four;
            memcpy(&four, CMSG_DATA(part), sizeof four);
            memset(local->address, 0, 10);
            memset(local->address + 10, 0xFF, 2);
            memcpy(local->address + 12, &four.ipi_spec_dst, 4);
            local->interface = (uint32_t)four.ipi_ifindex;
            return 1;
        }
    }
    return 0;
}
// `message->msg_control` has room for midihub_control_size octets.
static inline void midihub_set_local(struct msghdr *message, const struct midihub_local *local, int family) {
    struct cmsghdr *part = (struct cmsghdr *)message->msg_control;
    if (family == AF_INET) {
        struct in_pktinfo four = { .ipi_ifindex = (int)local->interface };
        memcpy(&four.ipi_spec_dst, local->address + 12, 4);
        part->cmsg_level = IPPROTO_IP;
        part->cmsg_type = IP_PKTINFO;
        part->cmsg_len = CMSG_LEN(sizeof four);
        memcpy(CMSG_DATA(part), &four, sizeof four);
        message->msg_controllen = CMSG_SPACE(sizeof four);
    } else {
        part->cmsg_level = IPPROTO_IPV6;
        part->cmsg_type = IPV6_PKTINFO;
        part->cmsg_len = CMSG_LEN(sizeof *local);
        memcpy(CMSG_DATA(part), local, sizeof *local);
        message->msg_controllen = CMSG_SPACE(sizeof *local);
    }
}
