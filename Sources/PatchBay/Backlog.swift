import CALSA
import Glibc
import Linux
import Sequencer

/// Events of the sequencer in their order, read from its device and kept until somebody takes them. Of an event with
/// data of its own (system exclusive) only the event is kept, without its data, so that all entries have the same size.
///
/// Entries of our own have the type NONE, which the kernel never delivers; their tag says what they are.
package struct Backlog: ~Copyable {
    static let eventSize = MemoryLayout<snd_seq_event_t>.stride

    enum Tag: UInt8 {
        /// Nothing has come for a while.
        case beat = 0
        /// Events have been lost here.
        case gap
    }

    private let memory: UnsafeMutableRawPointer
    private let capacity: Int
    private var start = 0
    private var end = 0
    private var hasGap = false

    /// - Parameter events: the capacity. The kernel gives the memory as it is first written to.
    package init(capacity events: Int) {
        capacity = max(events, 1) * Self.eventSize
        // It may be filled one read over its capacity, and is then read into once more.
        memory = .allocate(byteCount: capacity + 2 * SequencerHandle.readSize, alignment: 16)
    }

    deinit { memory.deallocate() }

    package var isEmpty: Bool { start == end }
    private var isFull: Bool { end >= capacity }

    /// Reads what waits at an open sequencer device, once. False where there is nothing more to come.
    package mutating func read(from device: CInt) -> Bool {
        makeRoom()
        if hasGap, !isFull {
            append(.gap)
            hasGap = false
        }
        // Read even if it cannot be kept: what lies unread makes the kernel refuse senders.
        switch Self.read(from: device, into: memory + end) {
        case .octets(let count): if isFull { hasGap = true } else { end += count }
        case .lost: hasGap = true
        case .nothing: break
        case .end: return false
        }
        return true
    }

    enum Outcome {
        /// Of events without their data.
        case octets(Int)
        /// The kernel has thrown away all that waited, since more had come than may.
        case lost
        case nothing
        case end
    }

    /// One read(2), into room for `SequencerHandle.readSize` octets.
    static func read(from device: CInt, into buffer: UnsafeMutableRawPointer) -> Outcome {
        let count = Glibc.read(device, buffer, SequencerHandle.readSize)
        if count > 0 { return .octets(pack(buffer, count)) }
        return switch count == 0 ? ENODEV : errno {
        case ENOSPC: .lost
        case EAGAIN, EINTR: .nothing
        default: .end
        }
    }

    package mutating func beat() {
        makeRoom()
        if !isFull { append(.beat) }
    }

    /// Writes as much as the other side takes now.
    package mutating func write(to socket: CInt) {
        while start < end {
            let count = send(socket, memory + start, end - start, CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
            guard count > 0 else { return }
            start += count
        }
    }

    /// Always for as many events as one read brings.
    private mutating func makeRoom() {
        if start == end {
            (start, end) = (0, 0)
        } else if isFull, start >= capacity / 2 {
            memmove(memory, memory + start, end - start)
            (start, end) = (0, end - start)
        }
    }

    private mutating func append(_ tag: Tag) {
        var event = snd_seq_event_t()
        event.type = UInt8(SND_SEQ_EVENT_NONE.rawValue)
        event.tag = tag.rawValue
        (memory + end).copyMemory(from: &event, byteCount: Self.eventSize)
        end += Self.eventSize
    }

    /// Moves events together, over the data behind them: how many octets are left.
    private static func pack(_ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
        var next = 0
        var kept = 0
        while next + eventSize <= count {
            let event = (buffer + next).loadUnaligned(as: snd_seq_event_t.self)
            memmove(buffer + kept, buffer + next, eventSize)
            kept += eventSize
            next += eventSize
            guard CInt(event.flags) & SND_SEQ_EVENT_LENGTH_MASK == SND_SEQ_EVENT_LENGTH_VARIABLE else { continue }
            // Filled up to whole events by the kernel.
            next += (Int(event.data.ext.len) + eventSize - 1) / eventSize * eventSize
        }
        return kept
    }
}
