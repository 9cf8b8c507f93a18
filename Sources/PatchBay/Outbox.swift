import MIDI
import Sequencer

/// Messages of ours on their way to participants' ports, paced by the engine that takes them: its queue in the kernel is
/// 200 events long, and one event too many loses all of them (`snd_seq_read` empties a queue that has overflowed); what
/// it passes on at once, a network loses (PatchBay.docc/Listening.md).
struct Outbox {
    /// How many events an engine gets at once after a rest, and then in each millisecond.
    static let burst = 96
    static let rate = 2
    private static let queueLength = 200
    /// How long an engine whose queue was full gets nothing, in milliseconds.
    private static let rest: UInt64 = 50
    /// After this many rests in which it took nothing, what waits for it is dropped.
    private static let mostRests = 40

    /// Messages that belong together, and what has become of them.
    final class Errand {
        /// They are sent whatever anybody holds.
        let isUnconditional: Bool
        fileprivate(set) var waiting = 0
        /// Who got any of them.
        fileprivate(set) var reached: Set<Address> = []
        /// Those that anybody got.
        fileprivate(set) var delivered: Set<Message> = []
        private let done: (Errand) -> Void

        init(isUnconditional: Bool = false, done: @escaping (Errand) -> Void) {
            (self.isUnconditional, self.done) = (isUnconditional, done)
        }

        fileprivate func finishOne() {
            waiting -= 1
            if waiting == 0 { done(self) }
        }
    }

    /// What `send` did with a message when its turn came.
    enum Outcome { case sent, notNeeded, full, gone }

    private struct Item {
        let message: Message
        let address: Address
        let errand: Errand?
    }
    /// What waits for one engine. All its ports share one queue in the kernel, so an overflow loses messages of all of
    /// them.
    private struct Queue {
        var items: [Item] = []
        var next = 0
        /// How many items were sent, or turned out not to be needed, at least once.
        var done = 0
        var refusals = 0
    }
    /// By ALSA client.
    private var queues: [UInt8: Queue] = [:]
    /// What each engine may get now, as of when; in milliseconds.
    private var allowances: [UInt8: (events: Int, at: UInt64)] = [:]

    var isEmpty: Bool { queues.isEmpty }

    mutating func add(_ messages: [Message], to address: Address, errand: Errand? = nil) {
        guard !messages.isEmpty else { return }
        errand?.waiting += messages.count
        queues[address.client, default: Queue()].items +=
            messages.map { Item(message: $0, address: address, errand: errand) }
    }

    /// Drops what waits for a port, and gives it.
    @discardableResult
    mutating func drop(_ address: Address) -> [Message] {
        guard var queue = queues.removeValue(forKey: address.client) else { return [] }
        let dropped = queue.items[queue.done...].filter { $0.address == address }
        func others(_ part: ArraySlice<Item>) -> Int { part.count { $0.address != address } }
        (queue.next, queue.done) = (others(queue.items[..<queue.next]), others(queue.items[..<queue.done]))
        queue.items.removeAll { $0.address == address }
        if queue.next < queue.items.count { queues[address.client] = queue }
        for item in dropped { item.errand?.finishOne() }
        return dropped.map(\.message)
    }

    /// One turn; they are a millisecond apart. `now` is in milliseconds. `send` is told whether the message is unconditional.
    /// Gives what was dropped because its client took nothing for too long.
    mutating func turn(
        now: UInt64, _ send: (Message, Address, _ isUnconditional: Bool) -> Outcome
    ) -> [(message: Message, address: Address)] {
        var dropped: [(message: Message, address: Address)] = []
        for client in queues.keys {
            guard var queue = queues.removeValue(forKey: client) else { continue }
            var allowance = allowance(client, now)
            sending: while allowance.events > 0, queue.next < queue.items.count {
                let item = queue.items[queue.next]
                switch send(item.message, item.address, item.errand?.isUnconditional == true) {
                case .sent:
                    item.errand?.reached.insert(item.address)
                    item.errand?.delivered.insert(item.message)
                    allowance.events -= 1
                    queue.refusals = 0
                // Where a port has gone, its messages are not needed.
                case .notNeeded, .gone: break
                case .full:
                    // What lay in the full queue is lost, too, so it is sent again. Where it was heard that changes
                    // nothing.
                    queue.next = max(0, queue.next - Self.queueLength)
                    allowance = (0, now + Self.rest)
                    queue.refusals += 1
                    break sending
                }
                queue.next += 1
                if queue.next > queue.done {
                    queue.done = queue.next
                    item.errand?.finishOne()
                }
            }
            allowances[client] = allowance
            if queue.refusals > Self.mostRests {
                for item in queue.items[queue.done...] {
                    dropped.append((item.message, item.address))
                    item.errand?.finishOne()
                }
            } else if queue.next < queue.items.count {
                queues[client] = queue
            }
        }
        return dropped
    }

    private func allowance(_ client: UInt8, _ now: UInt64) -> (events: Int, at: UInt64) {
        guard let old = allowances[client] else { return (Self.burst, now) }
        // It gets nothing before its rest is over.
        guard now > old.at else { return old }
        let more = min(UInt64(Self.burst), (now - old.at) * UInt64(Self.rate))
        return (min(Self.burst, old.events + Int(more)), now)
    }
}
