import MIDI
import Rooms
import TestSupport
import Testing

private let one = Channel(truncating: 0)
private func state(_ messages: Message...) -> HeldState {
    var state = HeldState()
    for message in messages { state.apply(message) }
    return state
}
private func off(_ note: DataByte, _ channel: Channel = one) -> Message { .noteOff(channel, note: note, velocity: 64) }
private func on(_ note: DataByte, _ channel: Channel = one) -> Message { .noteOn(channel, note: note, velocity: 99) }
private func pedal(_ controller: DataByte, _ value: DataByte) -> Message {
    .controlChange(one, controller: controller, value: value)
}

@Test func `what is held is released and nothing else`() {
    let held = state(on(60), on(64), on(60), off(64), on(5, Channel(truncating: 15)), pedal(64, 127), pedal(66, 1))
    #expect(
        held.releases(whileHeldBy: [])
            == [off(60), pedal(64, 0), pedal(66, 0), off(5, Channel(truncating: 15))])
    #expect(held.noteCount == 2)
    #expect(state().releases(whileHeldBy: []).isEmpty)
}

@Test func `a note on with velocity 0 is a note off`() {
    #expect(state(on(60), .noteOn(one, note: 60, velocity: 0)).releases(whileHeldBy: []).isEmpty)
}

@Test func `a bend off its centre is put back`() {
    #expect(state(.pitchBend(one, Bend(truncating: 0))).releases(whileHeldBy: []) == [.pitchBend(one, .centre)])
    #expect(state(.pitchBend(one, Bend(truncating: 0)), .pitchBend(one, .centre)).releases(whileHeldBy: []).isEmpty)
}

@Test func `what another holds there is left alone`() {
    let mine = state(on(60), on(62), pedal(64, 127), pedal(67, 127), .pitchBend(one, Bend(truncating: 1)))
    let other = state(on(60), pedal(64, 1), on(62, Channel(truncating: 1)))
    let third = state(.pitchBend(one, Bend(truncating: 9000)))
    #expect(mine.releases(whileHeldBy: [other, third]) == [off(62), pedal(67, 0)])
    #expect(other.holds(off(60)) && other.holds(pedal(64, 0)) && third.holds(.pitchBend(one, .centre)))
    #expect(!other.holds(off(62)) && !other.holds(pedal(67, 0)) && !other.holds(.pitchBend(one, .centre)))
}

@Test func `channel modes end what they end`() {
    #expect(state(on(60), pedal(123, 0)).releases(whileHeldBy: []).isEmpty)
    #expect(state(on(60), pedal(120, 0)).releases(whileHeldBy: []).isEmpty)
    #expect(
        state(on(60), pedal(64, 127), pedal(69, 127), .pitchBend(one, Bend(truncating: 0)), pedal(121, 0))
            .releases(whileHeldBy: []) == [off(60), pedal(69, 0)])
}

@Test func `after a gap everything on a used channel may sound`() {
    var held = state(on(60), pedal(64, 127))
    held.loseSight()
    #expect(held.releases(whileHeldBy: []).count == 128 + 6 + 1)
    #expect(held.noteCount == 1)
    #expect(held.releases(whileHeldBy: [], unseen: false) == [off(60), pedal(64, 0)])
}

@Test func `what was held before a gap still counts as held`() {
    var held = state(on(60), pedal(64, 127), .pitchBend(one, Bend(truncating: 0)))
    held.loseSight()
    #expect(held.holds(off(60)) && held.holds(pedal(64, 0)) && held.holds(.pitchBend(one, .centre)))
    let leaver = state(on(60), on(61), pedal(64, 127), .pitchBend(one, Bend(truncating: 0)))
    #expect(leaver.releases(whileHeldBy: [held]) == [off(61)])
    held.apply(off(60))
    #expect(leaver.releases(whileHeldBy: [held]) == [off(60), off(61)])
}

@Test func `after a gap nobody's leaving cuts what another may hold`() {
    var leaver = state(on(60))
    var stayer = state(on(64), pedal(64, 127), .pitchBend(one, Bend(truncating: 0)))
    leaver.loseSight()
    stayer.loseSight()
    #expect(leaver.releases(whileHeldBy: [stayer]) == [off(60)])
    // The stayer has been seen to end 61, so it holds the leaver's 61 back no more.
    stayer.apply(off(61))
    #expect(leaver.releases(whileHeldBy: [stayer]) == [off(60), off(61)])
}

@Test func `what may have begun unseen holds back no release of what is known`() {
    var other = state(on(64))
    other.loseSight()
    #expect(!other.holds(off(60)))
    #expect(state(on(60)).releases(whileHeldBy: [other]) == [off(60)])
}

@Test func `what is seen after a gap is known again`() {
    var held = state(on(60))
    held.loseSight()
    for note in DataByte.all { held.apply(off(note)) }
    for controller in Controller.pedals { held.apply(pedal(controller, 0)) }
    held.apply(.pitchBend(one, .centre))
    #expect(held.releases(whileHeldBy: []).isEmpty)
    held.apply(on(7))
    #expect(held.holds(off(7)))
    #expect(held.releases(whileHeldBy: []) == [off(7)])
}

@Test func `a gap spares channels that were never used`() {
    var held = HeldState()
    held.loseSight()
    #expect(held.releases(whileHeldBy: []).isEmpty)
}

@Test func `silencing forgets notes and sustain`() {
    var held = state(on(60), pedal(64, 127), pedal(67, 127))
    held.silence()
    #expect(held.releases(whileHeldBy: []) == [pedal(67, 0)])
}

@Test func `merging holds what either holds`() {
    var held = state(on(60), pedal(64, 127))
    held.merge(state(on(62), .pitchBend(one, Bend(truncating: 3))))
    #expect(held.releases(whileHeldBy: []) == [off(60), off(62), pedal(64, 0), .pitchBend(one, .centre)])
}

/// A simple model of the same: sets of things that are held, and of things that may be.
private struct NaiveState {
    var held: Set<Message> = []
    var stale: Set<Message> = []
    var unseen: Set<Message> = []
    var used: Set<Channel> = []

    static func everything(_ channel: Channel) -> [Message] {
        DataByte.all.map { off($0, channel) }
            + Controller.pedals.map { .controlChange(channel, controller: $0, value: 0) } + [
                .pitchBend(channel, .centre)
            ]
    }
    mutating func saw(_ thing: Message, _ isHeld: Bool) {
        held.remove(thing)
        stale.remove(thing)
        unseen.remove(thing)
        if isHeld { held.insert(thing) }
    }
    mutating func apply(_ message: Message) {
        let channel = message.channel
        used.insert(channel)
        switch message {
        case .noteOn(_, let note, let velocity): saw(off(note, channel), velocity != 0)
        case .noteOff(_, let note, _): saw(off(note, channel), false)
        case .pitchBend(_, let bend): saw(.pitchBend(channel, .centre), bend != .centre)
        case .controlChange(_, let controller, let value):
            if Controller.pedals.contains(controller) {
                saw(.controlChange(channel, controller: controller, value: 0), value != 0)
            } else if controller == 121 {
                for pedal in Controller.pedals.prefix(4) {
                    saw(.controlChange(channel, controller: pedal, value: 0), false)
                }
                saw(.pitchBend(channel, .centre), false)
            } else if controller == 120 || controller.rawValue >= 123 {
                for note in DataByte.all { saw(off(note, channel), false) }
            }
        default: break
        }
    }
    mutating func loseSight() {
        stale.formUnion(held)
        held = []
        for channel in used { unseen.formUnion(Self.everything(channel)) }
        unseen.subtract(stale)
    }
    var known: Set<Message> { held.union(stale) }
    /// `unseen` holds everything of a channel at first; what is known is not unseen.
    func releases(whileHeldBy others: [NaiveState]) -> Set<Message> {
        let theirs = others.reduce(into: Set<Message>()) { $0.formUnion($1.known) }
        let possiblyTheirs = others.reduce(into: theirs) { $0.formUnion($1.unseen) }
        return known.subtracting(theirs).union(unseen.subtracting(known).subtracting(possiblyTheirs))
    }
}

@Test(arguments: [1, 2, 3, 4] as [UInt64])
func `random play is released as the plain telling says`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let channels = [one, Channel(truncating: 7), Channel(truncating: 15)]
    func message() -> Message {
        let channel = channels.randomElement(using: &random)!
        let note = DataByte(truncating: UInt8.random(in: 60..<70, using: &random))
        let value = DataByte(truncating: [0, 1, 127].randomElement(using: &random)!)
        switch Int.random(in: 0..<12, using: &random) {
        case 0...3: return .noteOn(channel, note: note, velocity: value)
        case 4...6: return .noteOff(channel, note: note, velocity: value)
        case 7: return .pitchBend(channel, [.centre, Bend(truncating: 5)].randomElement(using: &random)!)
        case 8: return .polyPressure(channel, note: note, pressure: value)
        case 9: return .programChange(channel, program: note)
        case 10:
            let mode = ([120, 121, 122, 123, 127, 7] as [DataByte]).randomElement(using: &random)!
            return .controlChange(channel, controller: mode, value: 0)
        default:
            return .controlChange(channel, controller: Controller.pedals.randomElement(using: &random)!, value: value)
        }
    }
    var states = [HeldState](repeating: HeldState(), count: 3)
    var naive = [NaiveState](repeating: NaiveState(), count: 3)
    for _ in 0..<1500 {
        let who = Int.random(in: 0..<3, using: &random)
        if Int.random(in: 0..<200, using: &random) == 0 {
            states[who].loseSight()
            naive[who].loseSight()
        } else {
            let message = message()
            states[who].apply(message)
            naive[who].apply(message)
        }
        let others = [(who + 1) % 3, (who + 2) % 3]
        let releases = states[who].releases(whileHeldBy: others.map { states[$0] })
        #expect(Set(releases) == naive[who].releases(whileHeldBy: others.map { naive[$0] }))
        #expect(Set(releases).count == releases.count)
        for release in NaiveState.everything(one) {
            #expect(states[who].holds(release) == naive[who].known.contains(release))
        }
    }
}
