import WebAPI

extension Quality {
    var ink: Style.Ink {
        switch self {
        case .good: .good
        case .playable: .warning
        case .hard: .bad
        }
    }
}
