import EngineProtocol
import Foundation
import Rooms

/// What people have chosen, as far as neither blocks nor claims tell it: when it was, which sessions with two hubs are of one
/// participant, and the note that was played to be an order. Kept over restarts.
struct Choices: Codable, Equatable {
    /// By room, as the pairings.
    var stamps: [String: Stamp] = [:]
    var pairings: [String: [Pairing]] = [:]
    var learned: LearnedNote?

    /// The setting in the store that has them.
    static let key = "choices"

    init() {}

    /// As `recorded` wrote them; none where that cannot be read.
    init(recorded text: String?) {
        let read = text.flatMap { try? JSONDecoder().decode(Choices.self, from: Data($0.utf8)) }
        self = read ?? Choices()
    }

    /// Forgets what the configuration has nothing of any more.
    mutating func prune(_ configured: [Configuration.Room]) {
        stamps = stamps.filter { name, _ in configured.contains { $0.name == name } }
        pairings = pairings.filter { name, _ in configured.contains { $0.name == name } }
    }

    /// nil where there is nothing to be kept.
    var recorded: String? { self == Choices() ? nil : JSON.text(self) }
}
