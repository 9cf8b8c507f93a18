/// What somebody did not do who was let in.
package enum Missing: String, Codable, Sendable {
    /// Come to the data port as well.
    case data
    /// Answer the clock there.
    case clock
}

/// Why somebody is no longer there.
package enum Leaving: String, Codable, Sendable {
    case bye, silent, kicked, stopped, restarted
    case portClosed = "port closed"
    case full

    package var words: String {
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
