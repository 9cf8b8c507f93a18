import Linux
import PatchBay
import Synchronization
import Testing

/// A client with one port, opened on a thread of its own, which the kernel takes for another owner.
final class SecondEngine: Sendable {
    let port: Address
    let pid: Int32
    private let end: Mailbox<Void>

    init() throws {
        let end = try Mailbox<Void>()
        let opened = try Mailbox<(Address, Int32)?>()
        _ = try WorkerThread("second engine") {
            guard let loop = try? EventLoop(), let client = try? Sequencer(name: "second engine"),
                let port = try? client.createPort(name: Array("other".utf8), .participant),
                let pid = client.owner(of: client.client)
            else { return opened.send(nil) }
            opened.send((port, pid))
            _ = try? loop.receive(end) { _ in loop.stop() }
            _ = try? loop.run()
            withExtendedLifetime(client) {}
        }
        let loop = try EventLoop()
        let answer = Mutex<(Address, Int32)?>(nil)
        try loop.receive(opened) { found in
            answer.withLock { $0 = found }
            loop.stop()
        }
        try loop.run()
        (port, pid) = try #require(answer.withLock { $0 })
        self.end = end
    }

    deinit { end.send(()) }
}
