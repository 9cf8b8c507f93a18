import MIDI
import RTPMIDI
import TestSupport
import Testing

/// A hub with four players on a bad network, in virtual time: the same every run.
struct LossTests {
    @Test(arguments: [0, 1, 5, 10, 30])
    func `20,000 notes with pedals, bends and programs`(percentLost: Int) {
        let stage = LossStage(seed: UInt64(percentLost) + 1, percentLost: percentLost, isOrderly: false)
        stage.play(notesEach: 5000)

        for (index, player) in stage.players.enumerated() {
            // Everyone's own state is quiet, and everybody else's copy of it is the same.
            for channel in 0..<8 { #expect(player.own.notes[channel] == 0) }
            for (other, hearer) in stage.players.enumerated() where other != index {
                for channel in 2 * index..<2 * index + 2 {
                    #expect(
                        hearer.heard.isEqual(to: player.own, on: channel), "\(other) of \(index)'s channel \(channel)")
                }
            }
        }
        #expect(stage.wrong == [])
        if percentLost > 0 { #expect(stage.repaired > 100) }
    }

    @Test func `without loss every note is heard by the three others`() {
        let stage = LossStage(seed: 99, percentLost: 0, isOrderly: true)
        stage.play(notesEach: 1000)
        #expect(stage.notesHeard == 4 * 1000 * 3 && stage.repaired == 0 && stage.wrong == [])
    }
}

/// What sounds, and how the instrument is set, on eight channels.
struct Instrument: Equatable {
    var notes: [8 of UInt128] = .init(repeating: 0)
    /// Modulation, volume, sustain, program, wheel high, pressure; 255: never said.
    var settings: [48 of UInt8] = .init(repeating: 255)

    static func == (one: Self, other: Self) -> Bool {
        (0..<8).allSatisfy { one.isEqual(to: other, on: $0) }
    }
    func isEqual(to other: Self, on channel: Int) -> Bool {
        notes[channel] == other.notes[channel] && hasSettings(of: other, on: channel)
    }
    /// Whether nothing sounds here that does not sound at the other, and all settings are the same.
    func isWithin(_ other: Self, on channel: Int) -> Bool {
        notes[channel] & ~other.notes[channel] == 0 && hasSettings(of: other, on: channel)
    }
    private func hasSettings(of other: Self, on channel: Int) -> Bool {
        for index in 6 * channel..<6 * channel + 6 where settings[index] != other.settings[index] { return false }
        return true
    }

    mutating func apply(_ message: Message) {
        let channel = Int(message.channel.rawValue)
        switch message {
        case .noteOn(_, let note, let velocity):
            let bit = UInt128(1) << UInt128(note.rawValue)
            notes[channel] = velocity.rawValue > 0 ? notes[channel] | bit : notes[channel] & ~bit
        case .noteOff(_, let note, _): notes[channel] &= ~(UInt128(1) << UInt128(note.rawValue))
        case .controlChange(_, let controller, let value):
            let index = [1: 0, 7: 1, 64: 2][Int(controller.rawValue)]
            if let index { settings[6 * channel + index] = value.rawValue }
        case .programChange(_, let program): settings[6 * channel + 3] = program.rawValue
        case .pitchBend(_, let bend): settings[6 * channel + 4] = bend.high.rawValue
        case .channelPressure(_, let pressure): settings[6 * channel + 5] = pressure.rawValue
        case .polyPressure: break
        }
    }
}

/// One direction between a player and the hub: stream, network, stream; and the way back of the feedback.
final class LossyLink {
    let sender: SenderStream
    let receiver = ReceiverStream()
    /// What the sender has sent in all, and what that was when each packet had gone.
    var sent = Instrument()
    var snapshots: [Instrument] = []
    /// What the receiver has passed on.
    var heard = Instrument()
    private let first: UInt16
    /// What arrives in each of the next 64 ms.
    private var arrivals: [[Arrival]] = .init(repeating: [], count: 64)
    private enum Arrival {
        case packet([UInt8])
        case feedback(SequenceNumber)
    }

    init(first: UInt16) {
        self.first = first
        sender = SenderStream(ssrc: SSRC(7), next: SequenceNumber(first), to: HearerAbility(journalLimit: 1200))
    }

    func send(_ list: borrowing CommandList, at now: UInt64, _ network: inout Network) {
        let packet = sender.packet(list, at: now)
        snapshots.append(sent)
        post(.packet(packet), at: now, &network)
    }
    func wake(at now: UInt64, _ network: inout Network) {
        if let due = sender.guardDue, now >= due { send(CommandList(), at: now, &network) }
        if let number = receiver.nextFeedback(at: now) { post(.feedback(number), at: now, &network) }
    }
    private func post(_ arrival: Arrival, at now: UInt64, _ network: inout Network) {
        for delay in network.delays() { arrivals[(Int(now / 10) + delay) % 64].append(arrival) }
    }

    /// Takes what arrives in this millisecond. `played` is told how far the stream has come.
    func deliver(at now: UInt64, emit: (Message, Bool) -> Void, played: (Instrument, Reception) -> Void) {
        let slot = Int(now / 10) % 64
        guard !arrivals[slot].isEmpty else { return }
        let due = arrivals[slot]
        arrivals[slot].removeAll(keepingCapacity: true)
        for arrival in due {
            switch arrival {
            case .feedback(let number): sender.acknowledge(number)
            case .packet(let packet):
                let header = try! RTPHeader(decoding: packet.span.bytes)
                let reception = try! receiver.receive(packet.span.bytes, header, at: now) { emission, _ in
                    guard case .message(let message, _, let isRepair) = emission else { return }
                    heard.apply(message)
                    emit(message, isRepair)
                }
                guard reception.verdict == .played || reception.verdict == .first else { continue }
                // Numbers wrap; snapshots do not.
                let near = Int(receiver.highest! & 0xFFFF)
                var index = (near - Int(first)) & 0xFFFF
                while index + 0x10000 < snapshots.count { index += 0x10000 }
                played(snapshots[index], reception)
            }
        }
    }
}

struct Network {
    var random: SeededRandom
    let percentLost: Int
    let isOrderly: Bool

    /// In ms: empty when lost, two when doubled. One in ten takes a detour and is overtaken.
    mutating func delays() -> [Int] {
        guard !isOrderly else { return [5] }
        let count =
            Int.random(in: 0..<100, using: &random) < percentLost
            ? 0 : Int.random(in: 0..<50, using: &random) == 0 ? 2 : 1
        return (0..<count).map { _ in
            Int.random(in: 0..<10, using: &random) == 0 ? Int.random(in: 5..<30, using: &random) : 5
        }
    }
}

final class LossStage {
    final class Player {
        var own = Instrument()
        /// Everybody else's channels as this one hears them.
        var heard: Instrument { toPlayer.heard }
        let toHub: LossyLink
        let toPlayer: LossyLink
        /// Struck, and when they end.
        var chords: [(end: UInt64, notes: [(channel: UInt8, note: UInt8)])] = []
        var notesLeft = 0
        var nextEvent: UInt64 = 0
        init(_ number: UInt16) {
            // One stream's numbers wrap early, others' late or not at all.
            toHub = LossyLink(first: 0xFFF0 &- 0x2000 &* number)
            toPlayer = LossyLink(first: 0xF000 &+ 0x800 &* number)
        }
    }
    let players = (0..<4).map { Player($0) }
    var wrong: [String] = []
    var repaired = 0
    var notesHeard = 0
    private var network: Network
    private var random: SeededRandom

    init(seed: UInt64, percentLost: Int, isOrderly: Bool) {
        network = Network(random: SeededRandom(seed: seed), percentLost: percentLost, isOrderly: isOrderly)
        random = SeededRandom(seed: seed ^ 0xABCD)
    }

    func play(notesEach: Int) {
        for player in players { player.notesLeft = notesEach }
        var now: UInt64 = 1 << 32 - 50000
        var quietSince = now
        // Until everyone has played and ten more seconds have gone by: guards end with feedback.
        while now < quietSince + 100_000 {
            now += 10
            for index in players.indices {
                if act(players[index], index, at: now) { quietSince = now }
                hear(index, at: now)
                players[index].toHub.wake(at: now, &network)
                players[index].toPlayer.wake(at: now, &network)
            }
        }
    }

    /// Returns false when there is nothing left to do.
    private func act(_ player: Player, _ index: Int, at now: UInt64) -> Bool {
        var list = CommandList()
        var messages: [Message] = []
        player.chords.removeAll { chord in
            guard chord.end <= now else { return false }
            for (channel, note) in chord.notes {
                messages.append(
                    .noteOff(Channel(truncating: channel), note: DataByte(truncating: note), velocity: 64))
            }
            return true
        }
        if player.notesLeft > 0, now >= player.nextEvent {
            player.nextEvent = now + UInt64.random(in: 200...600, using: &random)
            let channel = UInt8(2 * index) + UInt8.random(in: 0...1, using: &random)
            messages += setting(Channel(truncating: channel))
            var notes: [(channel: UInt8, note: UInt8)] = []
            for _ in 0..<min(player.notesLeft, Int.random(in: 1...6, using: &random)) {
                let note = UInt8.random(in: 36..<96, using: &random)
                player.notesLeft -= 1
                notes.append((channel, note))
                messages.append(
                    .noteOn(
                        Channel(truncating: channel), note: DataByte(truncating: note),
                        velocity: DataByte(truncating: UInt8.random(in: 1...127, using: &random))))
            }
            player.chords.append((now + UInt64.random(in: 100...5000, using: &random), notes))
        }
        guard !messages.isEmpty else { return player.notesLeft > 0 || !player.chords.isEmpty }
        for message in messages {
            player.own.apply(message)
            player.toHub.sent.apply(message)
            list.add(message, at: UInt32(truncatingIfNeeded: now))
        }
        player.toHub.send(list, at: now, &network)
        return true
    }

    /// Now and then a pedal, wheel, program, pressure or controller.
    private func setting(_ channel: Channel) -> [Message] {
        let value = DataByte(truncating: UInt8.random(in: 0...127, using: &random))
        return switch Int.random(in: 0..<12, using: &random) {
        case 0: [.controlChange(channel, controller: 64, value: value.rawValue < 64 ? 0 : 127)]
        case 1: [.pitchBend(channel, Bend(low: 0, high: value))]
        case 2: [.programChange(channel, program: value)]
        case 3: [.channelPressure(channel, pressure: value)]
        case 4:
            [
                .controlChange(channel, controller: 1, value: value),
                .controlChange(channel, controller: 7, value: value),
            ]
        default: []
        }
    }

    private func hear(_ index: Int, at now: UInt64) {
        let player = players[index]
        var forwarded: [Message] = []
        player.toHub.deliver(at: now) { message, isRepair in
            forwarded.append(message)
            repaired += isRepair ? 1 : 0
        } played: { sent, _ in
            check(player.toHub.heard, sent, "hub, of \(index)")
        }
        if !forwarded.isEmpty {
            var list = CommandList()
            for message in forwarded { list.add(message, at: UInt32(truncatingIfNeeded: now)) }
            for (other, hearer) in players.enumerated() where other != index {
                for message in forwarded { hearer.toPlayer.sent.apply(message) }
                hearer.toPlayer.send(list, at: now, &network)
            }
        }
        player.toPlayer.deliver(at: now) { message, isRepair in
            repaired += isRepair ? 1 : 0
            if case .noteOn = message { notesHeard += 1 }
        } played: { sent, _ in
            check(player.toPlayer.heard, sent, "\(index)")
        }
    }

    /// Once a packet has got through, nothing is wrong: all settings are those sent up to it, and nothing sounds that was
    /// not held then.
    private func check(_ heard: Instrument, _ sent: Instrument, _ whose: String) {
        for channel in 0..<8 where !heard.isWithin(sent, on: channel) {
            if wrong.count < 10 { wrong.append("\(whose): channel \(channel)") }
        }
    }
}
