import Rooms

extension HubRole.Reason {
    /// For people, behind "this hub speaks:".
    var text: String {
        switch self {
        case .alone: "there was no other hub"
        case .ended: "the other hub's engine had ended"
        case .stopped: "the other hub had stopped"
        case .silent: "nothing came from the other hub any more"
        case .order: "somebody ordered it"
        case .drill: "it was a drill"
        case .returned: "the main hub had been well for long enough"
        case .started: "the hubs had just met"
        case .nobody: "nobody spoke"
        case .split: "both hubs had spoken"
        case .slept: "this hub had been asleep"
        case .awake: "this hub had been asleep, and the other one had not taken over"
        case .maintenance: "a hub was muted for maintenance"
        }
    }

    /// Somebody wanted it so.
    var isWanted: Bool {
        switch self {
        case .order, .drill, .returned, .started, .maintenance: true
        case .alone, .ended, .stopped, .silent, .nobody, .split, .slept, .awake: false
        }
    }
}

extension HubRole.Phase {
    /// A word for programs.
    var word: String { "\(self)" }

    /// Whether the hub speaks; nil while that is being found out.
    var isSpeaking: Bool? {
        switch self {
        case .alone, .active: true
        case .standby, .asking, .suspect: false
        case .starting, .fenced: nil
        }
    }
}
