import Glibc
package import Linux

/// One hub a state directory: a lock that ends with its holder, and in the file who that is.
package enum HubLock {
    /// nil where another hub holds it. Waits for a holder that is no hub, as a `stop` that ends what a hub has left.
    package static func acquire(_ state: StateDirectory, timeout: Duration = .seconds(20)) throws(Errno) -> FileLock? {
        let deadline = ContinuousClock.now.advanced(by: timeout)
        var free = try FileLock(state.lock)
        while free == nil {
            guard holder(state) == nil, ContinuousClock.now < deadline else { return nil }
            usleep(10_000)  // the holder is another process and cannot say when it has ended
            free = try FileLock(state.lock)
        }
        guard let lock = free else { return nil }
        // The lock is held even where a full disk does not take the words.
        if let me = ProcessIdentity(of: getpid()) { try? lock.write("\(me.pid) \(me.startTime)\n") }
        return lock
    }

    /// The process that holds it; nil where nobody does, or the file's words are not of that process.
    package static func holder(_ state: StateDirectory) -> ProcessIdentity? {
        guard FileLock.isHeld(state.lock),
            let fields = File.text(state.lock, limit: 64)?.split(whereSeparator: \.isWhitespace),
            fields.count == 2, let pid = Int32(fields[0]), let start = UInt64(fields[1]),
            let identity = ProcessIdentity(of: pid),
            identity.startTime == start
        else { return nil }
        return identity
    }

    /// Why no hub answers there, in a sentence for people, with the fix.
    package static func whyNoAnswer(_ state: StateDirectory) -> String {
        if access(state.path, X_OK) != 0, errno == EACCES {
            let group = Owner.of(state.path).flatMap { getgrgid($0.group) }.map { String(cString: $0.pointee.gr_name) }
            let join = group.map { ", or as a member of its group: usermod -aG \($0) USER, then log in anew" } ?? ""
            return "\(state.path) is not open to this user: ask as root\(join)"
        }
        guard FileLock.isHeld(state.lock) else {
            return "no hub runs on \(state.path); start one with `midihub start`"
        }
        let holder = holder(state)
        let who = holder.map { "the hub on \(state.path), pid \($0.pid)," } ?? "the hub on \(state.path)"
        if let holder, holder.isStopped {
            return "\(who) is held by a signal (SIGSTOP): kill -CONT \(holder.pid) lets it go on"
        }
        if !File.exists(state.socket) {
            return "\(who) is just beginning or ending, or somebody has deleted its hub.sock, which it makes again soon"
        }
        return "\(who) runs but does not answer; `midihub stop` ends it"
    }
}

/// `hub.log`: what a hub in the background says. Kept short by setting it aside once.
package enum HubLog {
    private static let longest: Int64 = 4 << 20

    package static func rotate(_ state: StateDirectory) {
        var status = stat()
        guard stat(state.hubLog, &status) == 0, status.st_size > longest else { return }
        rename(state.hubLog, "\(state.hubLog).1")
    }

    /// The same under a running hub, whose standard output goes on in the new file.
    static func rotateOwn(_ state: StateDirectory) {
        var own = stat()
        var named = stat()
        guard fstat(1, &own) == 0, stat(state.hubLog, &named) == 0, own.st_ino == named.st_ino,
            own.st_dev == named.st_dev,
            own.st_size > longest
        else { return }
        rename(state.hubLog, "\(state.hubLog).1")
        let fresh = open(state.hubLog, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o640)
        guard fresh >= 0 else { return }
        dup2(fresh, 1)
        dup2(fresh, 2)
        close(fresh)
    }
}
