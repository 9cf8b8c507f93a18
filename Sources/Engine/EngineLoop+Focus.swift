import EngineProtocol
import Linux
import MIDI
import Rooms

/// Rooms with controllers: who plays where nobody has the focus, and whose values count of an input.
extension EngineLoop {
    /// What a member is follows from who else is in the room, and from its plan.
    func choose(_ member: Member) {
        member.isIdle = member.room.rules.isIdle(member.memberID)
        let values = member.room.values(of: member.name)
        if member.knobs?.values !== values { member.knobs = values.map(Knobs.init) }
        if member.isWatched { watch(member.endpoint) }
        armTouch(of: member)
    }

    private func armTouch(of member: Member) {
        let room = member.room
        member.mayTouch =
            room.rules.awaitsTouch && now >= member.touchDue && room.rules.refusal(ofFocusTo: member.name) == nil
    }

    /// Tells of a member who has played where the focus is free; a second later again, for a hub that has missed it.
    /// Gives when to look again.
    func tellTouch(of member: Member) -> UInt64 {
        if member.hasTouched {
            (member.hasTouched, member.touchDue) = (false, now + Self.second)
            news.send(.touched(status(member)))
        } else if member.touchDue > 0, member.touchDue <= now {
            member.touchDue = 0
            armTouch(of: member)
        }
        return member.touchDue > now ? member.touchDue : .max
    }

    /// A message of a controller whose input picks up: the value that counts in place of its own, where its own does not.
    func ignored(_ message: Message, of member: Member) -> UInt8? {
        guard let knobs = member.knobs, let place = Pickup.place(message),
            case .controlChange(_, _, let value) = message
        else { return nil }
        let current = knobs.values.current[place]
        let counts = knobs.pickup.moves(place, to: value, current: current)
        guard counts, !member.isIdle else { return current < Pickup.unknown ? current : value.rawValue }
        knobs.values.current[place] = value.rawValue
        // Whoever hears another of them anew is told what counts.
        for other in member.room.members where other !== member && other.knobs?.values === knobs.values {
            other.state.pointee.controls.apply(message)
        }
        return nil
    }
}

/// The values that count of an input that picks up, by channel and controller.
final class InputValues {
    var current: [2048 of UInt8] = .init(repeating: Pickup.unknown)
}

/// Where the knobs of a controller stand.
final class Knobs {
    let values: InputValues
    var pickup = Pickup()
    init(_ values: InputValues) { self.values = values }
}
