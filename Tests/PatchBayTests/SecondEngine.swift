import Linux
import MIDI
import PatchBay
import Sequencer
import Synchronization
import Testing

/// A client with one port, opened on a thread of its own, which the kernel takes for another owner.
final class SecondEngine: Sendable {
    let port: Address
    let pid: Int32
    private let end: Mailbox<Void>
    private let messages = Messages()

    /// What has come to its port.
    func heard() -> [Message] { messages.all }

    private final class Messages: Sendable {
        private let list = Mutex<[Message]>([])
        var all: [Message] { list.withLock { $0 } }
        func add(_ message: Message) { list.withLock { $0.append(message) } }
    }

    init() throws {
        let messages = messages
        let end = try Mailbox<Void>()
        let opened = try Mailbox<(Address, Int32)?>()
        _ = try WorkerThread("second engine") {
            guard let loop = try? EventLoop(), let client = try? SequencerHandle(name: "second engine"),
                let port = try? client.createPort(name: Array("other".utf8), .participant),
                let pid = client.owner(of: client.client)
            else { return opened.send(nil) }
            opened.send((port, pid))
            _ = try? loop.receive(end) { _ in loop.stop() }
            _ = try? loop.watch(client.descriptor, .read) { _ in
                while case .input(let input) = client.receive() {
                    if case .midi(_, _, let message?) = input { messages.add(message) }
                }
            }
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
