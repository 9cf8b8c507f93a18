import HubLink
import MIDI
import RTPMIDI
package import Rooms

/// What one plays into several hubs: numbered once.
extension HubGroup {
    struct OwnEvents {
        let window = EventWindow()
        let writer = WriterBox()
        /// The newest event's number; 0 before the first.
        var last = EventNumber(0)
        /// The first that has not been sent yet.
        var unsent: EventNumber?
        var state = SpeakerState()
        /// Messages that wait behind a long system exclusive one, or for the next burst.
        var outbox: [[UInt8]] = []
        var pacing = Pacing()
        var burst = Burst()
        /// When the newest events are said again.
        var repeatDue: UInt64?
        /// What was played while no hub was ready yet.
        var early: [[UInt8]] = []

        /// Nothing of it sounds anywhere, and nothing waits. Its numbers go on.
        mutating func leave() {
            state = SpeakerState()
            (outbox, early, pacing) = ([], [], Pacing())
            (unsent, repeatDue) = (nil, nil)
        }

        var due: UInt64? {
            let next = outbox.first.map { $0[0] == 0xF0 ? pacing.due ?? 0 : burst.next }
            guard let repeatDue else { return next }
            return next.map { min($0, repeatDue) } ?? repeatDue
        }
    }
    /// How many events may follow each other at once: what is lost of them must still be in the window when it is asked for,
    /// which may take some questions. 48 in 10 ms are four times as fast as a MIDI cable.
    struct Burst {
        private static let most = 48
        private static let interval: UInt64 = 100
        private var left = 0
        private(set) var next: UInt64 = 0

        mutating func takes(at now: UInt64) -> Bool {
            if now >= next { (left, next) = (Self.most, now + Self.interval) }
            guard left > 0 else { return false }
            left -= 1
            return true
        }
    }
    /// The writer is no value that could be copied with others.
    final class WriterBox { var writer = EventsWriter() }

    private static let longestOutbox = 10_000
    /// So many are sent together at most: of the longest, too, the first must still be in the window.
    private static let mostTogether = 48
    /// After so much silence the newest events are said again.
    private static let repetition: UInt64 = 100

    /// Sends complete messages, each with its status, in their order; a long system exclusive message goes in parts a few
    /// milliseconds apart, and what is sent after it waits for it, except real-time bytes; many messages at once go in
    /// bursts. Returns how many were accepted.
    @discardableResult
    package func send(_ messages: [[UInt8]]) -> Int {
        guard isUp else { return 0 }
        guard hubs.contains(where: { $0.isUp && !$0.isSettling }) else {
            let taken = messages.prefix(Self.longestOutbox - own.early.count)
            own.early += taken
            plan()
            return taken.count
        }
        for hub in hubs where hub.isUp && !hub.isLinked && !hub.isSettling { hub.send(messages) }
        let now = now
        var taken = 0
        for message in messages
        where (try? MIDIBytes.split(message)) == [message] && message.count <= Pacing.longest + 2 {
            let overtakes = message[0] >= 0xF8 && own.outbox.first.map(Self.isLong) ?? false
            if overtakes || own.outbox.isEmpty && !Self.isLong(message) && own.burst.takes(at: now) {
                number(message)
            } else {
                guard own.outbox.count < Self.longestOutbox else { break }
                own.outbox.append(message)
            }
            taken += 1
        }
        flush()
        workOwn(now)
        plan()
        return taken
    }

    /// What was played while no hub was ready, as soon as one is; nothing where there is none any more.
    func sendEarly() {
        if own.early.isEmpty || isUp && !hubs.contains(where: { $0.isUp && !$0.isSettling }) { return }
        let messages = own.early
        own.early = []
        send(messages)
    }

    private static func isLong(_ message: [UInt8]) -> Bool { message[0] == 0xF0 && message.count > Pacing.pieceSize }

    /// False where so much waits to be sent that whoever can wait with more should.
    package var hasRoom: Bool { own.outbox.count < Self.longestOutbox / 2 }

    /// What is due of what it plays: the next piece of a long message, and the newest events once more.
    func workOwn(_ now: UInt64) {
        let hadRoom = hasRoom
        defer { if !hadRoom, hasRoom { onRoom() } }
        while let message = own.outbox.first {
            if message[0] == 0xF0 {
                guard own.pacing.due ?? 0 <= now else { break }
                own.pacing.due = now + Pacing.interval
                let (part, octets) = own.pacing.nextPiece(of: message.count - 2)
                // Behind its F0.
                let data = message[(octets.lowerBound + 1)..<(octets.upperBound + 1)]
                let (head, tail) = part.framing
                number([head] + data + [tail])
                guard part.isEnd else { break }
            } else {
                guard own.burst.takes(at: now) else { break }
                number(message)
            }
            own.outbox.removeFirst()
        }
        flush()
        if let due = own.repeatDue, due <= now {
            own.repeatDue = nil
            if own.writer.writer.writeRepeat(origin, through: own.last, of: own.window, at: now) { sendWritten() }
        }
    }

    private func number(_ event: [UInt8]) {
        own.last = own.last.advanced(by: 1)
        if let message = try? Message(decoding: event.span) { own.state.follow(message) }
        let now = now
        event.withUnsafeBytes {
            own.window.put(own.last, time: UInt32(truncatingIfNeeded: now), $0, at: now)
        }
        let first = own.unsent ?? own.last
        own.unsent = first
        if own.last.distance(from: first) + 1 >= Self.mostTogether { flush() }
    }

    private func flush() {
        guard var next = own.unsent.take() else { return }
        let now = now
        while own.last.distance(from: next) >= 0 {
            let taken = own.writer.writer.write(origin, next, through: own.last, of: own.window, at: now)
            sendWritten()
            next = taken.advanced(by: 1)
        }
        for hub in hubs { hub.sentEvent() }
        own.repeatDue = now + Self.repetition
    }

    private func sendWritten(to hub: Int? = nil) {
        let writer = own.writer
        for (index, one) in hubs.enumerated() where one.isLinked && (hub == nil || hub == index) {
            one.sendLink { writer.writer.write(from: $0, count: $1, into: &$2) }
        }
    }

    /// What a hub asks for again. What is not there any more is made up for by the state.
    func answer(_ wanted: LinkPacket.Wanted, of hub: Int) {
        guard case .events(var first, let last) = wanted else { return tellState(to: hub) }
        var isAnswered = false
        while last.distance(from: first) >= 0,
            let taken = own.writer.writer.writeAnswer(origin, first, through: last, of: own.window)
        {
            sendWritten(to: hub)
            isAnswered = true
            first = taken.advanced(by: 1)
        }
        if !isAnswered { tellState(to: hub) }
    }

    func tellState(to hub: Int) {
        let (origin, last, state) = (origin, own.last, own.state)
        hubs[hub].sendState(state, of: origin, at: last)
    }
}

extension HubGroup {
    /// What sounds at the others because of it.
    package var played: HeldState { own.state.held }

    /// What sounds here because of the others.
    package var heard: HeldState {
        var heard = selected.map { unnumbered[$0].held } ?? HeldState()
        for speaker in speakers.values { heard.merge(speaker.state.held) }
        return heard
    }
}
