package import MIDI

/// Who feeds back to a room's controllers: lights, motor faders and displays follow one member at a time, and the others'
/// events do not reach them. A plain value, which the hub keeps and hands on.
package struct Focus: Codable, Hashable, Sendable {
    /// Somebody was given something, by name.
    package struct Claim: Codable, Hashable, Sendable {
        package var member: String
        package init(_ member: String) { self.member = member }
    }

    /// Names of members that are controllers, or of the room's inputs.
    package var controllers: [String]
    /// Where nobody has it, the first who plays gets it; nil is no.
    package var byTouch: Bool?
    /// Who has it; where several have that name, the first of them who is not silent.
    package var holder: Claim?

    package init(controllers: [String], byTouch: Bool? = nil, holder: Claim? = nil) {
        (self.controllers, self.byTouch, self.holder) = (controllers, byTouch, holder)
    }
}

/// Several controllers that are one: they look the same and play the same.
package struct Input: Codable, Hashable, Sendable {
    package var name: String
    /// The members' names. The first of them counts before the second.
    package var of: [String]
    /// One of them is heard at a time: whom somebody has chosen, else the first who is here. nil: all of them are.
    package var firstOnly: Bool?
    /// A value is ignored until it passes the one that the others have left (`Pickup`); nil is no.
    package var picksUp: Bool?
    package var chosen: Focus.Claim?

    package init(
        name: String, of members: [String], firstOnly: Bool? = nil, picksUp: Bool? = nil, chosen: Focus.Claim? = nil
    ) {
        (self.name, self.of, self.firstOnly, self.picksUp, self.chosen) = (name, members, firstOnly, picksUp, chosen)
    }

    /// The members' names in the order in which they are to be live.
    package var order: [String] {
        guard let chosen, of.contains(chosen.member) else { return of }
        return [chosen.member] + of.filter { $0 != chosen.member }
    }
}

/// Why somebody cannot have the focus.
package enum FocusRefusal: Hashable, Sendable {
    case noController
    case notHere
    case isController
    /// It could not reach a controller even so.
    case unheard(Verdict)
}

extension RoomPlan {
    /// The controllers' names, those of inputs among them.
    package var controllers: Set<String> {
        Set(
            (focus?.controllers ?? []).flatMap { name in
                inputs?.first { $0.name == name }?.of ?? [name]
            })
    }
}

extension Message {
    /// Whether somebody who sends it plays, which may give the focus: what only ends something does not.
    package var isTouch: Bool {
        switch self {
        case .noteOff: false
        case .noteOn: strikes
        case .polyPressure, .controlChange, .programChange, .channelPressure, .pitchBend: true
        }
    }
}
