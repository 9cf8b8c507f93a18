import EngineProtocol
import Foundation
package import Hub
package import Rooms
package import Store

/// The shapes of the JSON API. Instants are Unix milliseconds, round-trip times milliseconds; a null may be left out.
package enum API {
    package struct Status: Codable, Equatable, Sendable {
        package var name: String
        package var version: String
        package var pid: Int32
        package var startedAt: Int64
        package var health: Snapshot.Health
        package var addresses: [String]
        package var engines: [Snapshot.Engine]
        package var counts: Snapshot.Counts
        package var store: Snapshot.Store
        /// What round trips are good or playable, the best first; an older hub does not say.
        package var quality: [Quality.Limit]?
        /// How it is with the other hub of a pair, in one sentence; absent where there is none.
        package var failover: String?
        /// Absent where it is not locked.
        package var lock: Snapshot.Lock?

        init(_ snapshot: Snapshot) {
            (name, version, pid, startedAt) = (snapshot.name, Version.text, snapshot.pid, snapshot.startedAt)
            (health, addresses, engines, store) = (
                snapshot.health, snapshot.addresses, snapshot.engines, snapshot.store
            )
            counts = .init(
                participants: snapshot.participants.count { $0.echo == nil }, wires: snapshot.wires.count,
                rooms: snapshot.rooms.count)
            quality = Quality.limits
            failover = snapshot.failover?.line
            lock = snapshot.lock
        }

        /// As the stream has it, without how far logs were read, which would change all the time.
        var withoutByteCounts: Status {
            var copy = self
            for index in copy.engines.indices { (copy.engines[index].logRead, copy.engines[index].logLag) = (nil, nil) }
            return copy
        }
    }

    // In each list `next` is to be given as `cursor` to read on; absent at the end.

    package struct Rooms: Codable, Sendable {
        package var rooms: [Snapshot.Room]
        package var next: String?
    }
    package struct Participants: Codable, Sendable {
        package var participants: [Snapshot.Participant]
        package var next: String?

        package init(
            participants: [Snapshot.Participant], next: String? = nil
        ) {
            (self.participants, self.next) = (participants, next)
        }
    }
    package struct Connections: Codable, Sendable {
        package var connections: [Snapshot.Connection]
        /// Who could be let in; with the first page only.
        package var offers: [Snapshot.Offer]?
        package var next: String?
    }
    /// As everybody may read it.
    static func hidden(_ connection: Snapshot.Connection) -> Snapshot.Connection {
        var hidden = connection.withoutAddress
        hidden.reason = connection.reason.map(AddressMask.masked)
        return hidden
    }
    package struct Wires: Codable, Sendable {
        package var wires: [Snapshot.Wire]
        /// Every other pair of each room, with the reason.
        package var cells: [Snapshot.Wire]
        package var next: String?
    }

    package struct Sample: Codable, Sendable {
        package var participant: Int64
        package var name: String
        package var room: String
        package var at: Int64
        package var rtt: Double
        package var min: Double
        package var max: Double
        package var samples: Int64

        init(of visitor: LatencyPage.Visitor, _ point: LatencyPoint) {
            (participant, name, room) = (visitor.visit, visitor.name, visitor.room)
            (at, samples) = (point.at.milliseconds, point.count)
            (rtt, min, max) = (point.average / 1000, Double(point.least) / 1000, Double(point.most) / 1000)
        }
    }
    package struct Samples: Codable, Sendable {
        package var samples: [Sample]
        package var next: String?
    }

    /// What a participant holds and has set; those without are left out.
    package struct Sounds: Codable, Equatable, Sendable {
        package var participant: Int64
        package var notes: [ActiveNotes.Note]
        package var controls: [ActiveNotes.Control]
        package init(participant: Int64, _ sounding: ActiveNotes) {
            (self.participant, notes, controls) = (participant, sounding.notes, sounding.controls)
        }

        package static func list(_ all: [Int64: ActiveNotes]) -> [Sounds] {
            all.sorted { $0.key < $1.key }.map { Sounds(participant: $0.key, $0.value) }
        }
    }
    package struct SoundsList: Codable, Sendable {
        package var sounding: [Sounds]
        package var next: String?
    }

    package struct Event: Codable, Sendable {
        package var id: Int64
        package var at: Int64
        package var atLatest: Int64
        package var kind: String
        package var severity: String
        package var room: String?
        package var engine: String?
        package var participant: String?
        package var text: String
        /// Only with the token: of the one it is about, or of the one who did it.
        package var address: String?

        /// `isFull`: for one with the token. What others read has no address, wherever the words come from.
        package init(_ record: EventRecord, isFull: Bool) {
            (id, kind, severity) = (record.id, record.kind.rawValue, "\(record.severity)")
            (text, address) = isFull ? (record.text, record.address) : (AddressMask.masked(record.text), nil)
            (at, atLatest) = (record.at.earliest.milliseconds, record.at.latest.milliseconds)
            (room, engine, participant) = (record.room, record.engine, record.participant)
        }
    }
    package struct Events: Codable, Sendable {
        package var events: [Event]
        package var next: String?
    }

    /// One row of the older hubs' `GET /latency`: every value is a string.
    package struct LegacyLatency: Codable, Sendable {
        package var clientName: String
        package var clientPort: String
        /// Unix seconds of the last sample.
        package var timestamp: String
        package var averageLatency: String
        package var minLatency: String
        package var maxLatency: String
        package var lastLatency: String

        package init(_ summary: LatencySummary) {
            func milliseconds(_ micros: Double) -> String { String(format: "%.1f", micros / 1000) }
            clientName = summary.name
            clientPort = "\(summary.port)"
            timestamp = "\(summary.lastAt.latest.milliseconds / 1000)"
            averageLatency = milliseconds(summary.average)
            minLatency = milliseconds(Double(summary.least))
            maxLatency = milliseconds(Double(summary.most))
            lastLatency = milliseconds(Double(summary.last))
        }
    }

    /// What the webhook is told, and from which limits on (0 for never). Its address is shown nowhere.
    package struct Alerts: Codable, Sendable {
        package struct Limits: Codable, Sendable {
            package var rtt: Double
            package var loss: Double
            package var disk: Double
            /// Seconds that a figure must be over its limit.
            package var patience: Double

            init(_ settings: AlertSettings) {
                (rtt, loss, disk, patience) = (settings.rtt, settings.loss, settings.disk, settings.patience)
            }
        }
        /// Absent where no alerts are configured.
        package var limits: Limits?
        /// What goes on, as the webhook was told.
        package var told: [Alert]
        /// Messages that wait to be delivered.
        package var waiting: Int

        package init(_ state: AlertState) {
            limits = state.settings.map(Limits.init)
            (told, waiting) = (state.told, state.waiting)
        }
    }

    /// As everybody may read it.
    static func hidden(_ failover: Snapshot.Failover) -> Snapshot.Failover {
        var hidden = failover.withoutAddress
        hidden.trouble = failover.trouble.map(AddressMask.masked)
        hidden.obstacles = failover.obstacles.map(AddressMask.masked)
        return hidden
    }

    /// As the stream has it: who heard what in the last drill is asked for.
    static func streamed(_ failover: Snapshot.Failover) -> Snapshot.Failover {
        var short = hidden(failover)
        short.drills = short.drills?.map { drill in
            var drill = drill
            drill.hearers = []
            return drill
        }
        return short
    }

    /// Whether the hub is locked for a show, and if so since when, by whom, and what is done when it is unlocked.
    package struct Lock: Codable, Sendable {
        package var locked: Bool
        package var since: Int64?
        package var by: String?
        package var putOff: [String]?

        init(_ lock: Snapshot.Lock?) {
            (locked, since, by, putOff) = (lock != nil, lock?.since, lock?.by, lock?.putOff)
        }
    }

    package struct Done: Codable, Sendable {
        package var done: Bool = true
        package var text: String
        /// Of an order that has to be given twice: until then.
        package var armedUntil: Int64?
    }

    /// The piano of a page has played.
    package struct Played: Codable, Sendable {
        package var done: Bool = true
        package var text: String
        /// As the others see it.
        package var name: String
        /// How long the first note took to the room and back to the hub, in milliseconds, where there is an echo.
        package var echo: Double?
    }
}
