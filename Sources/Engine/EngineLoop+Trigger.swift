import EngineProtocol
import Linux
import MIDI
import RTPMIDI
import Rooms

/// A note that is an order to switch two hubs, perhaps with a guard that has to be held meanwhile. Both are for the hubs
/// alone: they are taken out before anything of the room sees them, so that no hearer, no journal and nobody who comes late is
/// told of them. Whether the order goes is judged by the hub, as of each order.
extension EngineLoop {
    /// How long it is waited for a note that is to be the order.
    static let learningTime = 10 * EngineLoop.second
    /// After a switch the very note that has caused it may still come, by a slower session.
    private static let pause = EngineLoop.second / 4

    func followTrigger() {
        let wanted = SwitchingNote(plan.failover?.trigger)
        guard wanted != switchingNote else { return }
        switchingNote = wanted
        for member in rooms.flatMap(\.members) { member.holdsGuard = false }
    }

    /// Whether it is the note or its guard, which nobody is to hear.
    func isForHubs(_ emission: Emission, of member: Member) -> Bool {
        guard switchingNote != nil || learnsUntil != nil, case .message(let message, _, _) = emission else {
            return false
        }
        let (channel, note, velocity): (Channel, DataByte, DataByte?)
        switch message {
        case .noteOn(let on, let key, let stroke): (channel, note, velocity) = (on, key, message.strikes ? stroke : 0)
        case .noteOff(let on, let key, _): (channel, note, velocity) = (on, key, 0)
        case .polyPressure(let on, let key, _): (channel, note, velocity) = (on, key, nil)
        case .controlChange, .programChange, .channelPressure, .pitchBend: return false
        }
        if let velocity, velocity.rawValue > 0, learns(channel, note, velocity, of: member) { return true }
        guard let order = switchingNote, channel == order.channel, note == order.note || note == order.guardNote else {
            return false
        }
        // It began before it was for the hubs, and was heard.
        if !message.strikes, member.state.pointee.held.holds(.noteOff(channel, note: note, velocity: 64)) {
            return false
        }
        guard let velocity else { return true }
        if note == order.guardNote {
            member.holdsGuard = velocity.rawValue > 0
        } else if velocity.rawValue > order.above.rawValue, order.guardNote == nil || member.holdsGuard,
            mayOrder(member)
        {
            member.hasTriggered = true
            wake(member.endpoint, by: now)
        }
        return true
    }

    /// Of two hubs that both hear it one gives the order.
    private func mayOrder(_ member: Member) -> Bool {
        guard let pair else { return true }
        return (pair.role.speaks || member.counterpart == nil) && now >= pair.changedAt + Self.pause
    }

    private func learns(_ channel: Channel, _ note: DataByte, _ velocity: DataByte, of member: Member) -> Bool {
        guard let end = learnsUntil else { return false }
        learnsUntil = now < end ? end : nil
        guard now < end else { return false }
        learnsUntil = nil
        // Of what counts so far the rest stays, as far as this stroke passes it.
        let earlier = switchingNote
        let order = SwitchingNote(
            channel: channel, note: note,
            above: DataByte(truncating: min(earlier?.above.rawValue ?? 0, velocity.rawValue - 1)),
            guardNote: earlier?.guardNote == note ? nil : earlier?.guardNote)
        switchingNote = order
        member.holdsGuard = false
        member.hasTaught = order
        wake(member.endpoint, by: now)
        return true
    }

    /// Tells the hub of what a member has played for it.
    func tellTrigger(of member: Member) {
        if member.hasTriggered { news.send(.triggered(status(member))) }
        if let order = member.hasTaught { news.send(.learned(status(member), order.plan)) }
        (member.hasTriggered, member.hasTaught) = (false, nil)
    }
}

/// The note as the path of a packet sees it.
struct SwitchingNote: Equatable {
    var channel: Channel
    var note: DataByte
    var above: DataByte
    var guardNote: DataByte?

    init(channel: Channel, note: DataByte, above: DataByte, guardNote: DataByte?) {
        (self.channel, self.note, self.above, self.guardNote) = (channel, note, above, guardNote)
    }

    /// nil also where there is no such note.
    init?(_ plan: NoteTrigger?) {
        guard let plan, (1...16).contains(plan.channel), (0...127).contains(plan.note), (0...126).contains(plan.above),
            (0...127).contains(plan.guardNote ?? 0)
        else { return nil }
        self.init(
            channel: Channel(truncating: UInt8(plan.channel - 1)), note: DataByte(truncating: UInt8(plan.note)),
            above: DataByte(truncating: UInt8(plan.above)),
            guardNote: plan.guardNote.map { DataByte(truncating: UInt8($0)) })
    }

    var plan: NoteTrigger {
        NoteTrigger(
            channel: Int(channel.rawValue) + 1, note: Int(note.rawValue), above: Int(above.rawValue),
            guardNote: guardNote.map { Int($0.rawValue) })
    }
}
