import EngineProtocol
import Store

/// Somebody whose invitation was accepted and who never completed the session. Its name is a stranger's choice.
struct HalfOpen {
    let name: String
    let port: UInt16
    let missing: Missing
    let at: Timestamp

    var text: String {
        switch missing {
        case .data: "\(name) came on \(port), never on \(port &+ 1): is that port forwarded?"
        case .clock:
            "\(name) came on \(port) and \(port &+ 1) and answered nothing there: does what the hub sends reach it?"
        }
    }
}

/// The last few, for a while.
struct HalfOpens {
    private var all: [HalfOpen] = []
    private static let most = 3
    private static let memory: Duration = .seconds(600)

    mutating func add(_ one: HalfOpen) {
        remove(one.name, one.port)
        all.append(one)
        if all.count > Self.most { all.removeFirst() }
    }

    /// It has got in after all.
    mutating func remove(_ name: String, _ port: UInt16) { all.removeAll { $0.name == name && $0.port == port } }

    func sentences(at now: Timestamp) -> [String] {
        let since = now.advanced(by: .zero - Self.memory)
        return all.filter { $0.at >= since }.map(\.text)
    }
}
