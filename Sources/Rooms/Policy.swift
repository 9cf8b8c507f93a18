//  Module Rooms: who hears whom, and who holds which note. Start here, then `Room.swift`, then `HeldState.swift`.
//
//  What it is: pure decisions, the only place in the program where "who hears whom" is decided; both the patch bay and
//  the embedded engine ask here. What it refuses to be: anything that connects, sends or waits.

/// Which wires a room wants. The raw values are the words of the configuration and of `--policy`.
package enum Policy: String, Codable, CaseIterable, Sendable {
    /// Everyone to everyone, but a name whose last word is `In` or `Rec` only receives, `Out` or `Sen` only sends.
    case auto
    /// Only senders to receivers, told by the last letters of the name, as the older hubs did.
    case named
    /// Everyone to everyone else whatever the name.
    case all
    /// The room's first port only takes in, the second only gives out.
    case pair

    /// What a participant does in a room with this policy. `portIndex` counts the room's ports from 0.
    package func direction(name: String, portIndex: Int) -> Direction {
        switch self {
        case .auto:
            switch Self.lastWord(of: name).lowercased() {
            case "in", "rec": .receives
            case "out", "sen": .sends
            default: .both
            }
        case .named:
            if Self.ends(name, with: ["in", "rec"]) {
                .receives
            } else if Self.ends(name, with: ["out", "sen"]) {
                .sends
            } else {
                .neither
            }
        case .all: .both
        case .pair:
            switch portIndex {
            case 0: .sends
            case 1: .receives
            default: .neither
            }
        }
    }

    /// Words are split at whatever is no letter or digit, and where a capital follows a small letter: the last word of
    /// `Piano in`, `piano-IN`, `PianoIn` and `Piano (in)` is `in`; `Martin` and `Violin` are one word each.
    private static func lastWord(of name: String) -> String {
        var word = ""
        var ended = true
        for character in name {
            guard character.isLetter || character.isNumber else {
                ended = true
                continue
            }
            if ended || (character.isUppercase && word.last?.isLowercase == true) { word = "" }
            word.append(character)
            ended = false
        }
        return word
    }

    private static func ends(_ name: String, with endings: [String]) -> Bool {
        let lower = name.lowercased()
        return endings.contains { lower.hasSuffix($0) }
    }
}

/// What a participant does in its room.
package enum Direction: Sendable {
    case both
    case sends
    case receives
    case neither

    package var sends: Bool { self == .both || self == .sends }
    package var receives: Bool { self == .both || self == .receives }

    package init(sends: Bool, receives: Bool) {
        self =
            switch (sends, receives) {
            case (true, true): .both
            case (true, false): .sends
            case (false, true): .receives
            case (false, false): .neither
            }
    }

    /// What both allow.
    package func limited(to other: Direction) -> Direction {
        Direction(sends: sends && other.sends, receives: receives && other.receives)
    }
}
