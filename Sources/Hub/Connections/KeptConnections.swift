import EngineProtocol
import Foundation
import Linux
import Rooms

/// Whom the hub invites besides its configuration, told by people or let in by `discover`: a file, so that it holds over restarts.
struct KeptConnections: Codable, Equatable {
    struct One: Codable, Equatable {
        var room: String
        var invitee: Invitee
        /// What it is announced as on the local network, which tells where it is now; nil where its host tells that.
        var announced: String?
        /// `discover` has let it in: it goes with its announcement. Absent for what people have told.
        var discovered: Bool?

        var isDiscovered: Bool { discovered ?? false }

        /// The same room invites the same one, however that came about.
        func isSame(as other: One) -> Bool { room == other.room && invitee == other.invitee }
    }

    var v = 1
    var connections: [One] = []

    /// Of those that `discover` lets in, beside the others: anybody can announce.
    static let mostDiscovered = 32
    private static let longest = 1 << 20

    /// What is there; nothing where there is no file, and with `problem` where it cannot be used: then it stays as it is
    /// until something is written.
    static func load(_ path: String) -> (kept: KeptConnections, problem: String?) {
        let bytes: [UInt8]
        do throws(Errno) { bytes = try File.read(path, limit: longest) } catch {
            return (.init(), File.exists(path) ? "\(path): \(error.reason)" : nil)
        }
        guard let kept = try? JSONDecoder().decode(Self.self, from: Data(bytes)), kept.v == 1 else {
            return (.init(), "\(path) cannot be read: whom it names is not invited")
        }
        // Whoever can write there may write anything.
        let sound = kept.connections.filter {
            Invitee.wrongName($0.invitee.name) == nil && (try? Configuration.host($0.invitee.to)) != nil
        }
        let most = Configuration.mostConnections + mostDiscovered
        return (KeptConnections(connections: Array(sound.prefix(most))), nil)
    }

    func write(to path: String) throws(Errno) { try File.replace(path, with: JSON.bytes(self), mode: 0o640) }
}
