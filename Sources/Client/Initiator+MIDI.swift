import Linux
import MIDI
import RTPMIDI
import Rooms

/// MIDI in both directions.
extension Initiator {
    /// How many messages may wait behind a long system exclusive message.
    private static let longestOutbox = 10_000

    /// Sends complete messages, each with its status, in their order; a long system exclusive message goes in parts a few
    /// milliseconds apart, and what is sent after it waits for it, except real-time bytes. Returns how many were accepted:
    /// none while there is no session, and nothing that is not a message.
    @discardableResult
    package func send(_ messages: [[UInt8]]) -> Int {
        guard isUp else { return 0 }
        var taken = 0
        let isWaiting = isBusy
        for message in messages where Self.isSendable(message) {
            if message[0] >= 0xF8, isWaiting {
                append(message)
                flushList()
            } else {
                guard outbox.count - outboxIndex < Self.longestOutbox else { break }
                outbox.append(message)
            }
            taken += 1
        }
        wake()
        return taken
    }

    /// Whether messages wait behind a long system exclusive one.
    package var isBusy: Bool { outboxIndex < outbox.count }

    private static func isSendable(_ message: [UInt8]) -> Bool {
        guard message.count <= Pacing.longest + 2, let parts = try? MIDIBytes.split(message) else { return false }
        return parts == [message]
    }

    /// When `workMIDI` has something to do.
    var dueMIDI: UInt64 {
        guard let attempt else { return .max }
        let piece = outboxIndex < outbox.count ? attempt.streams.pacing.due ?? 0 : UInt64.max
        return min(piece, attempt.streams.sender.guardDue ?? .max, attempt.streams.receiver.feedbackDue ?? .max)
    }

    func workMIDI(_ now: UInt64) {
        guard isUp, let attempt else { return }
        while outboxIndex < outbox.count {
            let message = outbox[outboxIndex]
            if message[0] == 0xF0 {
                flushList()
                guard attempt.streams.pacing.due ?? 0 <= now else { break }
                self.attempt?.streams.pacing.due = now + Pacing.interval
                guard sendPiece(of: message) else { break }
            } else {
                append(message)
            }
            outboxIndex += 1
        }
        if outboxIndex == outbox.count {
            outbox.removeAll(keepingCapacity: true)
            outboxIndex = 0
        }
        flushList()
        if let due = attempt.streams.sender.guardDue, due <= now {
            data.queue(to: attempt.hub.with(port: attempt.hub.port &+ 1)) {
                attempt.streams.sender.writeGuard(with: &list, at: now, into: &$0)
            }
            data.flush()
        }
        sendFeedback(now)
    }

    /// Whether it was the last piece.
    private func sendPiece(of message: [UInt8]) -> Bool {
        guard let (part, octets) = attempt?.streams.pacing.nextPiece(of: message.count - 2) else { return true }
        // Behind its F0.
        message[(octets.lowerBound + 1)..<(octets.upperBound + 1)].withUnsafeBytes {
            _ = list.append(sysEx: part, $0, at: UInt32(truncatingIfNeeded: now))
        }
        write()
        return part.isEnd
    }

    private func append(_ message: [UInt8]) {
        let time = UInt32(truncatingIfNeeded: now)
        func tryToAppend() -> Bool {
            if let one = try? Message(decoding: message.span) {
                attempt?.held.apply(one)
                return list.append(one, at: time)
            }
            let data = message.dropFirst() + [0, 0]
            guard let system = SystemMessage(message[0], data[1], data[2]) else { return true }
            return list.append(system, at: time)
        }
        if tryToAppend() { return }
        flushList()
        _ = tryToAppend()
    }

    private func flushList() { if !list.isEmpty { write() } }

    /// Sends the list as one packet.
    private func write() {
        guard let attempt else { return }
        let now = now
        data.queue(to: attempt.hub.with(port: attempt.hub.port &+ 1)) {
            attempt.streams.sender.write(list, at: now, into: &$0)
        }
        data.flush()
        list.removeAll()
    }

    func forgetOutbox() {
        outbox = []
        outboxIndex = 0
        attempt?.streams.pacing.forgetMessage()
    }

    /// Before BY: ends what we hold there, for peers that do not end it themselves.
    func releaseHeld() {
        guard isUp, let held = attempt?.held else { return }
        forgetOutbox()
        for message in held.releases(whileHeldBy: [], unseen: false) { append(message.bytes) }
        flushList()
    }

    // MARK: In

    func receiveMIDI(_ packet: RawSpan) {
        guard isUp, let header = try? RTPHeader(decoding: packet), header.ssrc == attempt?.streams.session.peer,
            let receiver = attempt?.streams.receiver
        else { return }
        let now = now
        attempt?.streams.session.heard(now: now)
        // Messages are handed on only after the stream has processed the packet, because whoever receives one may send
        // in response.
        var received: [Received] = []
        let reception = try? receiver.receive(packet, header, at: now) { pass($0, of: $1, to: &received) }
        if let reception {
            counts.received += 1
            counts.lost += UInt64(reception.lost)
            counts.repaired += UInt64(reception.repaired)
        }
        _ = attempt?.streams.learnEvidence()
        sendFeedback(now)
        for one in received { onReceived(one) }
    }

    private func pass(_ emission: Emission, of packet: RawSpan, to received: inout [Received]) {
        switch emission {
        case .message(let message, let time, let isRepair):
            received.append(Received(bytes: message.bytes, timestamp: time, isRepair: isRepair))
        case .system(let message, let time):
            received.append(Received(bytes: message.bytes, timestamp: time, isRepair: false))
        case .sysEx(let part, let octets, let time):
            if part.isBeginning { attempt?.incoming = [] }
            guard part != .cancel, var message = attempt?.incoming.take(),
                message.count + octets.count <= Pacing.longest
            else {
                attempt?.incoming = nil
                return
            }
            for offset in octets { message.append(packet.uint8(at: offset)) }
            if part.isEnd {
                received.append(Received(bytes: [0xF0] + message + [0xF7], timestamp: time, isRepair: false))
            } else {
                attempt?.incoming = message
            }
        case .sysExLost: attempt?.incoming = nil
        }
    }

    /// The session is over: ends the notes that its other side held here.
    func silence() {
        guard let attempt, attempt.streams.receiver.highest != nil else { return }
        var received: [Received] = []
        attempt.streams.receiver.silence {
            guard case .message(let message, let time, _) = $0 else { return }
            received.append(Received(bytes: message.bytes, timestamp: time, isRepair: true))
        }
        for one in received { onReceived(one) }
    }

    // MARK: Feedback

    private func sendFeedback(_ now: UInt64) {
        guard isUp, let packet = attempt?.streams.nextFeedback(at: now) else { return }
        send(packet, on: .control)
    }
}
