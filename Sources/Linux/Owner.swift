import CLinux
import Glibc

/// Root's way to become another user.
package enum Owner {
    /// The user and group that a file belongs to; nil where there is no such file.
    package static func of(_ path: String) -> (user: UInt32, group: UInt32)? {
        var status = stat()
        return stat(path, &status) == 0 ? (status.st_uid, status.st_gid) : nil
    }

    /// Of a link itself, not of what it leads to.
    package static func ofLink(_ path: String) -> UInt32? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_uid : nil
    }

    /// A user's name, or its number.
    package static func name(of user: UInt32) -> String {
        getpwuid(user).map { String(cString: $0.pointee.pw_name) } ?? "user \(user)"
    }

    /// The home of the user that this process runs as, by the user database (passwd(5)); nil for one that is not in it.
    package static var home: String? {
        guard let entry = getpwuid(geteuid()) else { return nil }
        let home = String(cString: entry.pointee.pw_dir)
        return home.hasPrefix("/") ? home : nil
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
        // Otherwise its entry in /proc would go on belonging to root (PR_SET_DUMPABLE).
        midihub_be_dumpable()
    }
}
