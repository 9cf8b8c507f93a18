/// A drill of two hubs that are a pair: what is done to them, to see that nobody misses it.
package struct DrillPlan: Codable, Hashable, Sendable {
    package enum Kind: String, Codable, Sendable, CaseIterable {
        /// The hub that speaks hands over, and is handed back to.
        case handover
        /// One hub says nothing to anybody for a while, as if it hung.
        case mute
        /// The engine's process of one hub is killed.
        case kill
    }

    /// When it was ordered, in Unix milliseconds. Both hubs know it by that.
    package var id: Int64
    package var kind: Kind
    /// Of `mute` and `kill`: whether the main hub is the one.
    package var isMain: Bool?
    /// Of `mute`, in milliseconds.
    package var duration: Int?
    /// How long it goes on before, between and after what is done, in milliseconds; nil is a second.
    package var pause: Int?

    package init(id: Int64, kind: Kind, isMain: Bool? = nil, duration: Int? = nil, pause: Int? = nil) {
        (self.id, self.kind, self.isMain, self.duration, self.pause) = (id, kind, isMain, duration, pause)
    }

    /// Of `mute`, in milliseconds. What hearers tell of themselves reaches back a minute.
    package static let longest = 30_000
}

/// What was measured in a drill. What was not is nil.
package struct DrillReport: Codable, Hashable, Sendable {
    package enum Hub: String, Codable, Sendable {
        case main, backup
        package init(isMain: Bool) { self = isMain ? .main : .backup }
    }

    package struct Hearer: Codable, Hashable, Sendable {
        package enum Kind: String, Codable, Sendable {
            /// It stands on both hubs, and one of them speaks to it.
            case paired
            /// It hears numbered events, and merges them by itself.
            case numbered
            /// It stands on one hub alone, and may hear numbered events.
            case single
        }
        package var name: String
        package var room: String
        package var kind: Kind
        /// Messages that were for it; system exclusive ones are not among them.
        package var events: Int?
        /// Of these those that no hub sent, and those that both sent.
        package var lost: Int?
        package var doubled: Int?
        /// Values and ends of notes that were sent once more, since it was not certain that the other hub had sent them.
        package var again: Int?
        /// The hub that was killed had told of them, and nobody knows whether it sent them.
        package var doubtful: Int?
        /// How long the latest waited at the hub that sent it, in milliseconds.
        package var late: Double?
        /// Notes that sounded at it as the hubs changed: the most of all changes.
        package var held: Int?
        /// Why something is not measured.
        package var remark: String?

        package init(name: String, room: String, kind: Kind) { (self.name, self.room, self.kind) = (name, room, kind) }
    }

    package var id: Int64
    package var kind: DrillPlan.Kind
    /// The one that was muted or killed, and for how many milliseconds.
    package var hub: Hub?
    package var duration: Int?
    /// Unix milliseconds.
    package var ended: Int64
    /// Who speaks since.
    package var speaks: Hub?
    /// What did not go as it should have.
    package var trouble: String?
    /// It went as it should, and of whoever stands on both hubs it was measured that it has lost nothing and got nothing twice;
    /// one that merges by itself may not have told.
    package var passed: Bool
    package var hearers: [Hearer]
    /// All that for people, where a hub shows it.
    package var text: String?

    package init(_ plan: DrillPlan, ended: Int64, trouble: String?, hearers: [Hearer]) {
        (id, kind, hub, duration) = (plan.id, plan.kind, plan.isMain.map { Hub(isMain: $0) }, plan.duration)
        (self.ended, self.trouble, self.hearers) = (ended, trouble, hearers)
        passed = Self.passed(trouble, hearers)
    }

    private static func passed(_ trouble: String?, _ hearers: [Hearer]) -> Bool {
        trouble == nil
            && hearers.allSatisfy { one in
                switch one.kind {
                case .paired: one.lost == 0 && one.doubled == 0
                case .numbered: one.lost ?? 0 == 0
                case .single: true
                }
            }
    }

    /// What several engines of a hub have measured of the same drill.
    package mutating func merge(_ other: DrillReport) {
        ended = max(ended, other.ended)
        if speaks != other.speaks { speaks = nil }
        trouble = trouble ?? other.trouble
        hearers += other.hearers
        passed = Self.passed(trouble, hearers)
    }
}

/// What an engine has noted of its speakers and hearers during a drill, by the numbers of their origins, which are the same
/// at both hubs.
package struct DrillRecord: Codable, Sendable {
    /// Events of one speaker, from a number to another.
    package struct Run: Codable, Hashable, Sendable {
        package var first: UInt32
        package var last: UInt32
        /// Sent though the partner had told of them: it may have sent them.
        package var isAgain: Bool?
        package init(_ first: UInt32, _ last: UInt32, isAgain: Bool? = nil) {
            (self.first, self.last, self.isAgain) = (first, last, isAgain)
        }
    }

    package struct Speaker: Codable, Sendable {
        package var origin: UInt32
        /// Its newest events as the drill began and ended.
        package var began: UInt32
        package var ended: UInt32
        /// Numbers of no message, or of one that nobody is to be sent; those that were sent to who stands on both hubs, and
        /// to who is on this one alone; nil: there were too many changes to keep them.
        package var skipped: [Run]?
        package var toPaired: [Run]?
        package var toSingle: [Run]?
        /// How long the latest waited here, in ticks of 100 µs; nil: that is not known.
        package var late: UInt32
        package var lateToSingle: UInt32?
        /// Messages that came here alone, and were let out by neither hub: those that came too late, too.
        package var unsent: Int?
        /// As this hub took over: the newest that the partner had told of, and the first of those that it told of last.
        package var told: UInt32?
        package var doubtful: UInt32?

        package init(origin: UInt32, began: UInt32, ended: UInt32) {
            (self.origin, self.began, self.ended) = (origin, began, ended)
            (skipped, toPaired, toSingle, late, lateToSingle) = ([], [], [], 0, 0)
        }
    }

    package struct Hearer: Codable, Sendable {
        package var origin: UInt32
        package var name: String
        package var room: String
        package var kind: DrillReport.Hearer.Kind
        /// Whom it hears, by origin.
        package var hears: [UInt32]
        package var held: Int
        /// Whom it hears has changed meanwhile, or it was not sent what others like it were sent.
        package var isUneven: Bool
        /// It hears numbered events.
        package var isLinked = false
        /// Of such a one, of the last minute: lost as the drill began, and as it ended.
        package var lostBefore: Int?
        package var lost: Int?

        package init(
            origin: UInt32, name: String, room: String, kind: DrillReport.Hearer.Kind, hears: [UInt32], held: Int = 0,
            isUneven: Bool = false
        ) {
            (self.origin, self.name, self.room, self.kind) = (origin, name, room, kind)
            (self.hears, self.held, self.isUneven) = (hears, held, isUneven)
        }
    }

    package var speakers: [Speaker]
    package var hearers: [Hearer]
    package init(speakers: [Speaker] = [], hearers: [Hearer] = []) {
        (self.speakers, self.hearers) = (speakers, hearers)
    }
}

/// What the engines of two hubs tell each other of a drill, between other lines. One of them leads it.
package struct DrillLine: Codable, Sendable {
    package enum Step: String, Codable, Sendable {
        /// Lead this drill. A drill begins; it is noted from now on.
        case lead, begin, began
        /// Say nothing for a while; end this process.
        case hang, die
        /// The drill is over: what was noted, and what comes of it.
        case end, record, report
    }
    package var step: Step
    package var plan: DrillPlan?
    package var record: DrillRecord?
    package var report: DrillReport?

    package init(_ step: Step, _ plan: DrillPlan? = nil) { (self.step, self.plan) = (step, plan) }
}
