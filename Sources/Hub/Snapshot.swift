package import EngineProtocol
import Synchronization

/// What the hub shows of itself at one moment: made on the hub's loop, read by HTTP. Field names are the JSON API's;
/// instants are Unix milliseconds, round-trip times milliseconds.
package struct Snapshot: Equatable, Sendable {
    package struct Problem: Codable, Equatable, Sendable {
        package var what: String
        package var fix: String?
    }

    package struct Health: Codable, Equatable, Sendable {
        package var ok = true
        package var sentence = "Starting"
        package var problems: [Problem] = []
        /// What somebody should look at though the hub is well.
        package var notices: [String]?
    }

    package struct Engine: Codable, Equatable, Sendable {
        package enum State: String, Codable, Sendable { case starting, up, down, failed, stopping }
        package var name: String
        package var kind = "rtpmidid"
        package var state = State.down
        package var reason: String?
        package var fix: String?
        package var pid: Int32?
        package var port: UInt16
        package var room: String
        package var version: String?
        package var since: Int64
        package var restarts = 0
        package var adopted = false
        /// Log lines of unknown form, and lines contradicted by ALSA or `status`: counted, not believed.
        package var unknownLines = 0
        package var disbelievedLines = 0
        /// Bytes of its log: read and on record, and still to be read.
        package var logRead: Int64? = 0
        package var logLag: Int64? = 0
    }

    package struct RoundTrip: Codable, Equatable, Sendable {
        package var last: Double
        package var average: Double
        package var min: Double
        package var max: Double
        /// Of the last minutes, where the engine knows it.
        package var p95: Double?
        package var samples: Int
        package var lastAt: Int64
    }

    package struct Participant: Codable, Equatable, Sendable {
        package enum State: String, Codable, Sendable { case present, silent, ghost, duplicate }
        package var id: Int64
        package var name: String
        package var room: String
        package var port: UInt16
        package var engine: String
        package var state = State.present
        package var since: Int64
        package var sends = true
        package var receives = true
        package var rtt: RoundTrip?
        /// Of the round trips, in milliseconds. This and what follows only where the engine knows it.
        package var jitter: Double?
        /// The part of its packets that was lost in the last minute, 0 to 1.
        package var loss: Double?
        /// Packets that came and that did not, since it joined, and messages that the journal brought after a loss.
        package var received: UInt64?
        package var lost: UInt64?
        package var repaired: UInt64?
        /// Packets that could not be read.
        package var unreadable: UInt64?
        /// Packets were lost of which no journal tells, and a note sounds since before; true, or absent.
        package var mayHaveLeftNotes: Bool?
        /// It speaks in numbered events (`midihub join`): by which hubs they came in the last minute, as it says itself.
        package var link: EngineStatus.Link?
        /// It is a device of the hub's own machine: its ALSA client and port, with a colon between.
        package var device: String?
        /// The room has invited it: true, or absent.
        package var invited: Bool?
        package var remark: String?
        /// Nobody hears it, because it sends back what it hears: true, or absent.
        package var muted: Bool?
        /// What it is, where it is not one that speaks RTP-MIDI itself.
        package enum Kind: String, Codable, Sendable { case tcp }
        package var kind: Kind?
        /// It is a controller to which only who has the focus feeds back; it has the focus: true, or absent.
        package var controller: Bool?
        package var focus: Bool?
        /// Address and SSRC are shown with the token only: whoever knows them can send in this participant's name.
        package var address: String?
        package var ssrc: UInt32?

        /// The hub's own echo: true, or absent.
        package var echo: Bool?
        /// Of the echo: when it switches itself off.
        package var until: Int64?

        package var withoutAddress: Participant {
            var copy = self
            (copy.address, copy.ssrc) = (nil, nil)
            return copy
        }
    }

    package struct Wire: Codable, Equatable, Hashable, Sendable {
        package var room: String
        package var from: Int64
        package var to: Int64
        package var fromName: String
        package var toName: String
        /// Why there is no wire; absent where there is one.
        package var reason: String?
    }

    package struct Room: Codable, Equatable, Sendable {
        package var name: String
        package var policy: String
        package var ports: [UInt16]
        package var participants: Int
        package var wires: Int
        /// Of a room with controllers.
        package var focus: Focus?
        package var inputs: [Input]?
    }

    package struct Focus: Codable, Equatable, Sendable {
        package enum Given: String, Codable, Sendable { case order, touch }
        /// Names.
        package var controllers: [String]
        package var by: Given
        /// Who has it; absent where nobody has.
        package var holder: String?
    }

    package struct Input: Codable, Equatable, Sendable {
        package enum Live: String, Codable, Sendable { case both, first }
        package var name: String
        package var of: [String]
        package var live: Live
        package var pickup: Bool
        /// Of those who are here, who is heard.
        package var heard: [String]
    }

    package struct Store: Codable, Equatable, Sendable {
        package enum State: String, Codable, Sendable { case recording, stopped }
        package var state = State.recording
        package var reason: String?
        /// Changes that could not be recorded since the hub started.
        package var lost = 0
    }

    /// It is locked for a show.
    package struct Lock: Codable, Equatable, Sendable {
        package var since: Int64
        package var by: String
        /// What is done when it is unlocked, each in words that follow "then".
        package var putOff: [String]
    }

    package struct Counts: Codable, Equatable, Sendable {
        package var participants = 0
        package var wires = 0
        package var rooms = 0

        package init(
            participants: Int = 0, wires: Int = 0, rooms: Int = 0
        ) {
            (self.participants, self.wires, self.rooms) = (participants, wires, rooms)
        }
    }

    package var name = ""
    package var pid: Int32 = 0
    package var startedAt: Int64 = 0
    package var health = Health()
    package var addresses: [String] = []
    package var engines: [Engine] = []
    package var rooms: [Room] = []
    package var participants: [Participant] = []
    package var wires: [Wire] = []
    /// Every pair of each room, in the order of their numbers: those that are no wires have a reason.
    package var pairs: [Wire] = []
    /// Whom the rooms invite.
    package var connections: [Connection] = []
    /// Who is announced on the local network, and neither in a room nor invited.
    package var offers: [Offer] = []
    package var store = Store()
    /// The other hub of a pair; nil where there is none.
    package var failover: Failover?
    package var lock: Lock?
}

/// The latest snapshot, published by the hub's loop and read by any thread.
package final class SnapshotStore: Sendable {
    private struct Latest {
        var snapshot = Snapshot()
        var generation = 0
        var bodies: [String: [UInt8]] = [:]
    }
    private let latest = Mutex(Latest())
    package init() {}
    package var snapshot: Snapshot { latest.withLock { $0.snapshot } }
    package func publish(_ snapshot: Snapshot) {
        latest.withLock { latest in
            guard latest.snapshot != snapshot else { return }
            latest.snapshot = snapshot
            latest.generation += 1
            latest.bodies = [:]
        }
    }

    /// What `encode` makes of the snapshot, made once a snapshot for each `name`.
    package func body(_ name: String, _ encode: (Snapshot) -> String) -> [UInt8] {
        let (known, snapshot, generation) = latest.withLock { ($0.bodies[name], $0.snapshot, $0.generation) }
        if let known { return known }
        // Not within the lock, which the hub's loop must never wait for.
        let body = Array(encode(snapshot).utf8)
        latest.withLock { if $0.generation == generation { $0.bodies[name] = body } }
        return body
    }
}
