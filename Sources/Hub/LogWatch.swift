import Linux

/// Has files read when they have changed. Lives on the hub's loop.
final class LogWatch {
    private var changes: ChangeNotifier
    private var readers: [CInt: () -> Void] = [:]

    init(_ loop: EventLoop) throws(Errno) {
        changes = try ChangeNotifier()
        try loop.watch(changes.number, .read) { [unowned self] _ in readChanged() }
    }

    func watch(_ path: String, _ read: @escaping () -> Void) throws(Errno) { readers[try changes.watch(path)] = read }

    private func readChanged() {
        // nil means that the kernel has lost some changes, so all files are read.
        let changed = changes.changed() ?? Set(readers.keys)
        for watch in changed { readers[watch]?() }
    }
}
