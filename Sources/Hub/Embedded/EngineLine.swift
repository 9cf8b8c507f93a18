import Engine
import Foundation
import Rooms

/// One line of the embedded engine's log: a JSON object, so that no name can forge another line. Instants are Unix
/// milliseconds. A reader leaves out what it does not know; `v` changes only when it could no longer do that.
struct EngineLine: Codable {
    enum Kind: String, Codable {
        case started, listening, joined, left, latency, losses, refused, silent, back, loop, trouble, ended
        case cannotListen = "cannot-listen"
        case echoReturned = "echo-returned"
        case halfOpen = "half-open"
    }

    var v = 1
    var at: Int64
    var event: Kind
    var pid: Int32?
    var version: String?
    var port: UInt16?
    /// Whom the line is about, in full.
    var participant: EngineStatus.Participant?
    /// Of somebody who was refused, or did not get in for what is missing.
    var name: String?
    var address: String?
    var reason: String?
    var leaving: Leaving?
    /// Notes and pedals that were released for somebody who left or fell silent.
    var released: Int?
    var missing: Missing?
    var times: Int?

    init(_ event: Kind, at: Int64) { (self.event, self.at) = (event, at) }

    init(_ news: EngineNews, at: Int64) {
        self.init(.trouble, at: at)
        switch news {
        case .listening(let port): (event, self.port) = (.listening, port)
        case .cannotListen(let port, let reason): (event, self.port, self.reason) = (.cannotListen, port, reason)
        case .joined(let participant): (event, self.participant) = (.joined, participant)
        case .left(let participant, let leaving, let released):
            (event, self.participant, self.leaving, self.released) = (.left, participant, leaving, released)
        case .measured(let participant): (event, self.participant) = (.latency, participant)
        case .losses(let participant): (event, self.participant) = (.losses, participant)
        case .refused(let address, let name, let port, let reason, let times):
            (event, self.address, self.name, self.port) = (.refused, address, name, port)
            (self.reason, self.times) = (reason, times)
        case .halfOpen(let address, let name, let port, let missing, let times):
            (event, self.address, self.name, self.port) = (.halfOpen, address, name, port)
            (self.missing, self.times) = (missing, times)
        case .silent(let participant, let released):
            (event, self.participant, self.released) = (.silent, participant, released)
        case .back(let participant): (event, self.participant) = (.back, participant)
        case .loop(let participant): (event, self.participant) = (.loop, participant)
        case .echoReturned(let participant): (event, self.participant) = (.echoReturned, participant)
        case .trouble(let reason): self.reason = reason
        case .ended: event = .ended
        }
    }
}

/// A line on the engine's control socket, and the line that answers it. One exchange a connection.
enum EngineControl {
    struct Request: Codable {
        enum Word: String, Codable {
            case status, panic, kick, unmute, release, activity, sounding, reload, stop
            case notesOff = "notes-off"
        }
        var `do`: Word
        var room: String?
        var id: UInt64?
        /// Notes, of `notes-off`.
        var from: UInt8?
        var to: UInt8?
        /// Of a panic: whatever sounds or not.
        var all: Bool?

        init(_ word: Word, room: String? = nil, id: UInt64? = nil) {
            (self.do, self.room, self.id) = (word, room, id)
        }
        var bytes: [UInt8] { Array((API.encode(self) + "\n").utf8) }
    }

    struct Reply: Codable, Sendable {
        var v = 1
        /// Why it was not done; nil where it was.
        var error: String?
        var status: EngineStatus?
        var hearers: Int?
        var notes: Int?
        /// Notes played so far, by participant.
        var activity: [UInt64: UInt64]?
        /// What participants hold and have set.
        var sounding: [UInt64: Sounding]?
    }
}

extension EngineControl.Reply {
    /// nil where the line is no reply.
    init?(line: [UInt8]) {
        guard let reply = try? JSONDecoder().decode(Self.self, from: Data(line)) else { return nil }
        self = reply
    }
}
