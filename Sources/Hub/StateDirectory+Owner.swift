import Glibc
package import Linux

extension StateDirectory {
    /// Root becomes the user that the directory belongs to, where that is another: a package gives the hub a user of its
    /// own, and its hub is the same whether root, cron or systemd starts it. What only root can do for it is done first.
    package func becomeOwner() throws(Errno) {
        guard geteuid() == 0, let owner = Owner.of(path) else { return }
        try refuseStrangers(owner: owner.user)
        if owner.user == 0 { return }
        let memory = memoryPath(in: "/run")
        if File.isMemory("/run"), mkdir(memory, 0o750) == 0 || errno == EEXIST {
            lchown(memory, owner.user, owner.group)
        }
        RealTime.allow()
        LockedMemory.allow()
        try Owner.become(owner.user, group: owner.group)
    }

    /// Throws where the directory is not `owner`'s, or where the way to it leads over a link or through a directory that
    /// somebody else has made: they could have it lead anywhere. Root trusts nobody but the one whom it becomes.
    package func refuseStrangers(owner: UInt32) throws(Errno) {
        // In a container or another user namespace what is the system's may belong to "nobody", as / does.
        let trusted: Set = [0, owner, Owner.of("/")?.user ?? 0]
        var ancestor = ""
        for part in path.split(separator: "/") {
            ancestor += "/\(part)"
            guard let user = Owner.ofLink(ancestor) else { return }
            if trusted.contains(user) { continue }
            throw Errno(
                code: EPERM, call: "state directory", thing: "\(path): \(ancestor) belongs to \(Owner.name(of: user))")
        }
        guard let user = Owner.of(path)?.user, user != owner else { return }
        throw Errno(code: EPERM, call: "state directory", thing: "\(path) belongs to \(Owner.name(of: user))")
    }
}
