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
    /// What it is to play; nil ends it.
    private let orders: Mailbox<Message?>
    private let messages = Messages()

    /// What has come to its port.
    func heard() -> [Message] { messages.all }

    private final class Messages: Sendable {
        private let list = Mutex<[Message]>([])
        var all: [Message] { list.withLock { $0 } }
        func add(_ message: Message) { list.withLock { $0.append(message) } }
    }

    init(_ name: String = "second engine", _ capabilities: SequencerHandle.Capabilities = .participant) throws {
        let messages = messages
        let orders = try Mailbox<Message?>()
        let opened = try Mailbox<(Address, Int32)?>()
        _ = try WorkerThread("second engine") {
            guard let loop = try? EventLoop(), let client = try? SequencerHandle(name: name),
                let port = try? client.createPort(name: Array("other".utf8), capabilities),
                let pid = client.owner(of: client.client)
            else { return opened.send(nil) }
            opened.send((port, pid))
            // What the loop holds must not hold the loop, or the client would never end.
            _ = try? loop.receive(orders) { [unowned loop, unowned client] message in
                if let message { client.send(message, from: port.port) } else { loop.stop() }
            }
            _ = try? loop.watch(client.descriptor, .read) { [unowned client] _ in
                while case .input(let input) = client.receive() {
                    if case .midi(_, _, let message?) = input { messages.add(message) }
                }
            }
            _ = try? loop.run()
            withExtendedLifetime((loop, client)) {}
        }
        let loop = try EventLoop()
        let answer = Mutex<(Address, Int32)?>(nil)
        try loop.receive(opened) { found in
            answer.withLock { $0 = found }
            loop.stop()
        }
        try loop.run()
        (port, pid) = try #require(answer.withLock { $0 })
        self.orders = orders
    }

    func play(_ message: Message) { orders.send(message) }

    deinit { orders.send(nil) }
}
