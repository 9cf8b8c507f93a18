import Foundation
package import Rooms

/// A line on the engine's control socket, and the line that answers it. One exchange a connection.
package enum EngineControl {
    package struct Request: Codable, Sendable {
        package enum Word: String, Codable, Sendable {
            case status, panic, kick, unmute, release, activity, sounding, reload, stop
            /// Of two hubs the other one is to speak from now on.
            case `switch`
            /// The next note that is played is to be the order to switch.
            case learn
            /// Of two hubs, as `drill` says.
            case drill
            case notesOff = "notes-off"
        }
        package var `do`: Word
        package var room: String?
        package var id: UInt64?
        /// The range of notes of `notes-off`.
        package var from: UInt8?
        package var to: UInt8?
        /// Of `panic`: every note, not only those known to sound.
        package var all: Bool?
        /// Of `switch`: why, where it is not a person's order.
        package var reason: HubRole.Reason?
        package var drill: DrillPlan?

        package init(_ word: Word, room: String? = nil, id: UInt64? = nil) {
            (self.do, self.room, self.id) = (word, room, id)
        }

        package init(_ command: MemberCommand, id: UInt64) {
            switch command {
            case .kick: self.init(Word.kick, id: id)
            case .unmute: self.init(Word.unmute, id: id)
            case .release: self.init(Word.release, id: id)
            case .notesOff(let notes):
                self.init(Word.notesOff, id: id)
                (from, to) = (notes.lowerBound, notes.upperBound)
            }
        }

        /// The request as a command about one participant; nil where it is another kind of request.
        package var member: MemberCommand? {
            switch `do` {
            case .kick: return .kick
            case .unmute: return .unmute
            case .release: return .release
            case .notesOff:
                let (from, to) = (min(from ?? 0, 127), min(to ?? 127, 127))
                return .notesOff(min(from, to)...max(from, to))
            case .status, .panic, .activity, .sounding, .reload, .stop, .switch, .learn, .drill: return nil
            }
        }

        package var bytes: [UInt8] { JSON.line(self) }
    }

    package struct Reply: Codable, Sendable {
        package var v = 1
        /// Why it was not done; nil where it was.
        package var error: String?
        package var status: EngineStatus?
        package var hearers: Int?
        package var notes: Int?
        /// Notes played so far, by participant.
        package var activity: [UInt64: UInt64]?
        /// What participants hold and have set.
        package var sounding: [UInt64: ActiveNotes]?

        private static let nobody = "there is no participant "
        package static func nobody(_ id: UInt64) -> Reply { Reply(error: "\(nobody)\(id)") }
        /// The participant that the request was about is not there.
        package var isOfNobody: Bool { error?.hasPrefix(Self.nobody) ?? false }

        package init(
            error: String? = nil, status: EngineStatus? = nil, hearers: Int? = nil, notes: Int? = nil,
            activity: [UInt64: UInt64]? = nil, sounding: [UInt64: ActiveNotes]? = nil
        ) {
            (self.error, self.status, self.hearers, self.notes, self.activity, self.sounding) = (
                error, status, hearers, notes, activity, sounding
            )
        }
    }
}

extension EngineControl.Reply {
    /// nil where the line is no reply.
    package init?(line: [UInt8]) {
        guard let reply = try? JSONDecoder().decode(Self.self, from: Data(line)) else { return nil }
        self = reply
    }
}
