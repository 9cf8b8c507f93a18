/// What was still missing when a session on its way in was given up.
package enum Missing: String, Codable, Sendable {
    /// The invitation on the data port.
    case data
    /// A complete clock exchange there.
    case clock
}

/// Why a participant left.
package enum Leaving: String, Codable, Sendable {
    case bye, silent, kicked, stopped, restarted
    case portClosed = "port closed"
    case full

    package var text: String {
        switch self {
        case .bye: "left"
        case .silent: "was lost: no sign of it for 60 s"
        case .kicked: "was sent away"
        case .stopped: "left: the engine was stopped"
        case .restarted: "came anew"
        case .portClosed: "left: its port was closed"
        case .full: "was sent away: the room is full"
        }
    }
}
