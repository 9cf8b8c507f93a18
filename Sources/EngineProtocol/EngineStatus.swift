/// How an engine is: its answer to `status`, as JSON on the control socket. Times are Unix milliseconds, durations
/// milliseconds.
package struct EngineStatus: Codable, Sendable {
    package struct Port: Codable, Sendable {
        package var port: UInt16
        package var room: String
        package var listening: Bool
        package var reason: String?

        package init(
            port: UInt16, room: String, listening: Bool, reason: String? = nil
        ) {
            (self.port, self.room, self.listening, self.reason) = (port, room, listening, reason)
        }
    }

    package struct RoundTrip: Codable, Equatable, Sendable {
        package var last: Double
        package var average: Double
        package var min: Double
        package var max: Double
        package var p95: Double
        package var jitter: Double
        package var samples: Int

        package init(
            last: Double, average: Double, min: Double, max: Double, p95: Double, jitter: Double, samples: Int
        ) {
            (self.last, self.average, self.min, self.max, self.p95, self.jitter) = (
                last, average, min, max, p95, jitter
            )
            self.samples = samples
        }
    }

    /// Counts of the packets that came from a participant.
    package struct Counts: Codable, Equatable, Sendable {
        package var received: UInt64 = 0
        package var lost: UInt64 = 0
        /// Messages that the journal brought after a loss.
        package var repaired: UInt64 = 0
        /// Twice, or from before they joined: dropped.
        package var dropped: UInt64 = 0
        /// Dropped for being more than the limits allow.
        package var limited: UInt64 = 0
        /// Malformed; an older engine counts them as dropped.
        package var unreadable: UInt64? = 0
        /// Of the lost ones those that came late; an older engine counts them as dropped.
        package var overtaken: UInt64? = 0

        package init(
            received: UInt64 = 0, lost: UInt64 = 0, repaired: UInt64 = 0, dropped: UInt64 = 0,
            limited: UInt64 = 0, unreadable: UInt64? = 0, overtaken: UInt64? = 0
        ) {
            (self.received, self.lost, self.repaired, self.dropped, self.limited, self.unreadable) = (
                received, lost, repaired, dropped, limited, unreadable
            )
            self.overtaken = overtaken
        }
    }

    /// One that hears numbered events: of the last minute, by which hubs they came, as it says itself. Times in ms.
    package struct Link: Codable, Equatable, Sendable {
        /// How many hubs it stands on with links.
        package var hubs: Int
        /// Events that came by several hubs, by this one only, and by others only.
        package var byBoth: Int
        package var byThisOnly: Int
        package var byOthersOnly: Int
        /// Events that were asked for again, made up for by a state, and given up.
        package var asked: Int
        package var repaired: Int
        package var lost: Int
        /// How much later the second copy came.
        package var skewMedian: Double
        package var skewP99: Double
        /// How much later others would have brought what this hub brought first (99th percentile).
        package var laterWithoutThis: Double

        package init(
            hubs: Int, byBoth: Int = 0, byThisOnly: Int = 0, byOthersOnly: Int = 0, asked: Int = 0, repaired: Int = 0,
            lost: Int = 0, skewMedian: Double = 0, skewP99: Double = 0, laterWithoutThis: Double = 0
        ) {
            (self.hubs, self.byBoth, self.byThisOnly, self.byOthersOnly) = (hubs, byBoth, byThisOnly, byOthersOnly)
            (self.asked, self.repaired, self.lost) = (asked, repaired, lost)
            (self.skewMedian, self.skewP99, self.laterWithoutThis) = (skewMedian, skewP99, laterWithoutThis)
        }
    }

    package struct Participant: Codable, Sendable {
        package var id: UInt64
        package var name: String
        package var room: String
        package var port: UInt16
        package var address: String
        package var ssrc: UInt32
        package var since: Int64
        package var rtt: RoundTrip?
        package var counts = Counts()
        /// Milliseconds since anything came from it.
        package var silentFor: Int64 = 0
        /// It used to answer clock exchanges and has not answered the last ones. An older engine does not tell.
        package var isSilent: Bool?
        /// Cut off because it sends back what it hears.
        package var loops = false
        /// Channel messages that came from it so far.
        package var messages: UInt64 = 0
        /// A note sounds that was struck before a loss which no journal covered: its end may have been lost.
        package var mayHaveLeftNotes: Bool?
        /// Numbered events go to it and come from it; nil: RTP-MIDI.
        package var link: Link?
        /// It is a device of the engine's own machine: its ALSA client and port, with a colon between.
        package var device: String?
        /// The room has invited it; nil: it has invited itself.
        package var isInvited: Bool?

        package init(
            id: UInt64, name: String, room: String, port: UInt16, address: String, ssrc: UInt32, since: Int64,
            rtt: RoundTrip? = nil, counts: Counts = Counts(), silentFor: Int64 = 0, isSilent: Bool? = nil,
            loops: Bool = false, messages: UInt64 = 0, mayHaveLeftNotes: Bool? = nil,
            link: Link? = nil, isInvited: Bool? = nil
        ) {
            (self.id, self.name, self.room, self.port, self.address, self.ssrc) = (id, name, room, port, address, ssrc)
            (self.since, self.rtt, self.counts, self.silentFor, self.isSilent, self.loops) = (
                since, rtt, counts, silentFor, isSilent, loops
            )
            (self.messages, self.mayHaveLeftNotes, self.link) = (messages, mayHaveLeftNotes, link)
            self.isInvited = isInvited
        }
    }

    /// A device of the engine's own machine that is wanted in a room, and is or was there.
    package struct Device: Codable, Equatable, Sendable {
        /// What it is called in the room.
        package var name: String
        package var room: String
        /// Where it is in the ALSA sequencer, as in "24:0"; nil while it is away.
        package var alsa: String?
        package var isMember: Bool
        /// Why it is none, though it is there.
        package var trouble: String?

        package init(name: String, room: String, alsa: String? = nil, isMember: Bool = false, trouble: String? = nil) {
            (self.name, self.room, self.alsa) = (name, room, alsa)
            (self.isMember, self.trouble) = (isMember, trouble)
        }
    }

    package var version: String
    package var pid: Int32
    package var ports: [Port]
    package var participants: [Participant]
    /// Datagrams sent, and dropped because the kernel had no room.
    package var sent: UInt64
    package var unsent: UInt64
    /// What it does of what a plan may want, by name (`EnginePlan.Ability`): a newer engine may have names that are not
    /// known here, an older one does not tell.
    package var knows: [String]?
    package var abilities: Set<EnginePlan.Ability> {
        Set((knows ?? []).compactMap { EnginePlan.Ability(rawValue: $0) })
    }
    /// An engine that knows nothing of devices tells none.
    package var devices: [Device]?
    /// Why none is seen, though some are wanted.
    package var deviceTrouble: String?

    /// How it is with the other hub of a pair; nil where there is none.
    package var failover: Failover?

    /// How it is with each of those whom the rooms invite. An older engine invites nobody, and has none.
    package var calls: [Call]?

    package init(
        version: String, pid: Int32, ports: [Port], participants: [Participant], sent: UInt64, unsent: UInt64,
        knows: [String]? = nil, calls: [Call]? = nil
    ) {
        (self.knows, self.calls) = (knows, calls)
        (self.version, self.pid, self.ports, self.participants, self.sent, self.unsent) = (
            version, pid, ports, participants, sent, unsent
        )
    }
}
