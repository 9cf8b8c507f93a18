import CLinux
import Glibc

/// Root's way to become another user.
package enum Owner {
    /// The user and group that a file belongs to; nil where there is no such file.
    package static func of(_ path: String) -> (user: UInt32, group: UInt32)? {
        var status = stat()
        return stat(path, &status) == 0 ? (status.st_uid, status.st_gid) : nil
    }

    /// This process becomes that user with its groups, for good. Before other threads start.
    package static func become(_ user: UInt32, group: UInt32) throws(Errno) {
        if let entry = getpwuid(user) {
            let (name, group) = (entry.pointee.pw_name, entry.pointee.pw_gid)
            try retrying("initgroups") { initgroups(name, group) }
            try retrying("setgid") { setgid(group) }
        } else {
            // A user without a name, as in a container.
            try retrying("setgroups") { setgroups(0, nil) }
            try retrying("setgid") { setgid(group) }
        }
        try retrying("setuid") { setuid(user) }
        // Its entry in /proc belongs to the user from now on, not to root.
        midihub_be_dumpable()
    }
}
