import Glibc
import Linux

extension StateDirectory {
    /// Root becomes the user that the directory belongs to, where that is another: a package gives the hub a user of its
    /// own, and its hub is the same whether root, cron or systemd starts it. What only root can do for it is done first.
    func becomeOwner() throws(Errno) {
        guard geteuid() == 0, let owner = Owner.of(path), owner.user != 0 else { return }
        let memory = memoryPath(in: "/run")
        if File.isMemory("/run"), mkdir(memory, 0o750) == 0 || errno == EEXIST {
            lchown(memory, owner.user, owner.group)
        }
        RealTime.allow()
        try Owner.become(owner.user, group: owner.group)
    }
}
