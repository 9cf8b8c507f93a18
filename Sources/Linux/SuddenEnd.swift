import CLinux
import Glibc

/// What others see when a process is killed, they see late: the kernel takes its memory apart before it closes its sockets
/// (do_exit in kernel/exit.c: exit_mm, then exit_files), which takes milliseconds where much is locked; and it closes them
/// when the last of its threads has had its turn, for which a busy machine may take a tenth of a second. Both can be
/// avoided.
package enum SuddenEnd {
    /// From now on this process shares its memory with a companion, which has nothing else and ends when the calling thread
    /// has ended: the memory is taken apart by the companion, when the sockets are closed. To be called before they are
    /// opened, by a thread that stays to the end.
    package static func shareMemory() throws(Errno) {
        try retrying("clone") { midihub_begin_companion() }
    }

    /// Descriptors that the calling thread opens from now on are its own and closed at its end, for which no other thread is
    /// waited. No other thread may use them, and of those that are open already it has copies.
    package static func ownDescriptors() throws(Errno) {
        try retrying("unshare") { midihub_own_descriptors() }
    }
}
