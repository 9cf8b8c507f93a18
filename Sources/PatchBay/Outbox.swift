import MIDI

/// Messages of ours on their way to participants' ports: paced, because an engine that gets a thousand at once loses
/// some of them (facts section 6), and because an engine's queue in the kernel is 200 events long.
struct Outbox {
    /// Events sent in one turn, and to one port in one turn. Turns are a millisecond apart.
    static let perTurn = 50
    static let perPort = 32
    /// After this many turns in which a port took nothing, what waits for it is dropped.
    private static let patience = 2000

    /// A panic on its way.
    final class Panic {
        var waiting = 0
        let done: () -> Void
        init(done: @escaping () -> Void) { self.done = done }
    }

    /// What to do with a message when its turn has come.
    enum Outcome { case sent, notNeeded, full, gone }

    private struct Queue {
        var items: [(message: Message, panic: Panic?)] = []
        var next = 0
        var refusals = 0
    }
    private var queues: [Address: Queue] = [:]
    /// Addresses with something to send, the next one first.
    private var order: [Address] = []

    var isEmpty: Bool { order.isEmpty }

    mutating func add(_ messages: [Message], to address: Address, panic: Panic? = nil) {
        guard !messages.isEmpty else { return }
        if queues[address] == nil { order.append(address) }
        panic?.waiting += messages.count
        queues[address, default: Queue()].items += messages.map { ($0, panic) }
    }

    /// Drops what waits for a port.
    mutating func drop(_ address: Address) {
        guard let queue = queues.removeValue(forKey: address) else { return }
        order.removeAll { $0 == address }
        for item in queue.items[queue.next...] { Self.finish(item.panic) }
    }

    /// One turn. `send` is told whether the message is a panic's. Gives the ports whose messages were dropped because
    /// they took none for too long.
    mutating func turn(_ send: (Message, Address, _ isPanic: Bool) -> Outcome) -> [Address] {
        var budget = Self.perTurn
        var deaf: [Address] = []
        for address in order {
            guard budget > 0, var queue = queues.removeValue(forKey: address) else { break }
            order.removeFirst()
            var sent = 0
            var isGone = false
            sending: while budget > 0, sent < Self.perPort, queue.next < queue.items.count {
                let item = queue.items[queue.next]
                switch send(item.message, address, item.panic != nil) {
                case .sent:
                    sent += 1
                    budget -= 1
                    queue.refusals = 0
                case .notNeeded: break
                case .full:
                    queue.refusals += 1
                    isGone = queue.refusals > Self.patience
                    if isGone { deaf.append(address) }
                    break sending
                case .gone:
                    isGone = true
                    break sending
                }
                queue.next += 1
                Self.finish(item.panic)
            }
            if isGone {
                for item in queue.items[queue.next...] { Self.finish(item.panic) }
            } else if queue.next < queue.items.count {
                queues[address] = queue
                order.append(address)
            }
        }
        return deaf
    }

    private static func finish(_ panic: Panic?) {
        guard let panic else { return }
        panic.waiting -= 1
        if panic.waiting == 0 { panic.done() }
    }
}
