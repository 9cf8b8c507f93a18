//  Module HubLink: numbered events between our own programs, so that one who plays into two hubs is heard once. Start here,
//  then `EventWindow.swift` (what was sent), `OriginReader.swift` (the merge) and `PathStatistics.swift`.
//
//  What it is: packets as values, the sender's log of an origin, the merge of what came by several paths. What it refuses to
//  be: a socket, a clock, a thread, a judge of who hears whom. Nothing on the packet path allocates.
//  Ruled by the articles in HubLink.docc.

package import RTPMIDI

/// Whoever numbers events: a `join` for itself (its SSRC), a hub for a participant that does not (drawn at random, and
/// kept with the session).
package struct Origin: Hashable, Sendable, BitwiseCopyable {
    package let rawValue: UInt32
    package init(_ rawValue: UInt32) { self.rawValue = rawValue }
}

/// An event's number: from 1, one more each, wrapping. Which of two is the newer is told by their distance.
package struct EventNumber: Hashable, Sendable, BitwiseCopyable {
    package let rawValue: UInt32
    package init(_ rawValue: UInt32) { self.rawValue = rawValue }

    /// How many events after `earlier` this one is, -2³¹ to 2³¹ - 1.
    package func distance(from earlier: EventNumber) -> Int { Int(Int32(bitPattern: rawValue &- earlier.rawValue)) }
    package func advanced(by count: Int) -> EventNumber {
        EventNumber(rawValue &+ UInt32(truncatingIfNeeded: count))
    }
}

/// What stands before every packet of a link, on the session's two ports: twelve octets, big-endian.
///
/// | octets | field |
/// |---|---|
/// | 0–3 | `FFFF`, `MH`: other programs skip a session packet with letters that they do not know |
/// | 4–7 | SSRC of who sends it, in this session |
/// | 8 | kind |
/// | 9 | flags of the kind |
/// | 10–11 | one more with every packet, which shows what a path loses |
package struct LinkHead: Hashable, Sendable {
    package static let byteCount = 12
    static let letters: UInt32 = 0xFFFF_4D48

    package enum Kind: UInt8, Sendable {
        case hello = 1
        case welcome, events, pulse, want, state, gone
        /// Between the two hubs of a pair.
        case beat
        // 9 and 10 were meant for what a beat tells.
        case report = 11
        case identity, witness
    }

    package var ssrc: SSRC
    package var kind: Kind
    package var flags: UInt8
    package var count: UInt16

    package init(ssrc: SSRC, kind: Kind, flags: UInt8 = 0, count: UInt16) {
        (self.ssrc, self.kind, self.flags, self.count) = (ssrc, kind, flags, count)
    }

    /// Whether a datagram is of this protocol, whatever else is wrong with it.
    package static func isLink(_ datagram: RawSpan) -> Bool {
        datagram.byteCount >= 4 && datagram.uint32(at: 0) == letters
    }

    /// `notForUs`: of another protocol, or a kind that a later version may have.
    package init(decoding datagram: RawSpan) throws(PacketError) {
        guard datagram.byteCount >= Self.byteCount else {
            throw .truncated(needed: Self.byteCount, had: datagram.byteCount)
        }
        guard Self.isLink(datagram), let kind = Kind(rawValue: datagram.uint8(at: 8)) else { throw .notForUs }
        self.init(
            ssrc: SSRC(datagram.uint32(at: 4)), kind: kind, flags: datagram.uint8(at: 9), count: datagram.uint16(at: 10)
        )
    }

    package func write(into out: inout OutputRawSpan) {
        out.write(Self.letters)
        out.write(ssrc.rawValue)
        out.write(kind.rawValue)
        out.write(flags)
        out.write(count)
    }
}

/// What stands behind the head. Octets behind what a kind has are ignored, so that a later version may add some.
///
/// | kind | then |
/// |---|---|
/// | HELLO, initiator's, control port | version 1, wants 1, pulse in ms 2, instance 8 |
/// | WELCOME, its answer | version 1, granted 1, pulse in ms 2, instance 8; then, of a hub that has a partner, where that has the same room: address 16 (IPv6, or IPv4 as RFC 4291 section 2.5.5.2 maps it), control port 2 |
/// | EVENTS, data port | origin 4, number of the first new event 4, time of the first in the list 4, acknowledged 4, repeats 1, zero 1, list as in RFC 6295 section 3 with J=0 and Z=0: so many earlier events, then the new ones |
/// | PULSE, data port | when the next comes at the latest, in ms 2, how many 1, zero 1, then for each an origin 4 and its last number 4 |
/// | WANT, data port | origin 4, first number 4, last number 4 |
/// | STATE, data port | origin 4, number up to which it is the state 4, part 1, parts 1, zero 2, list as above that leads there from nothing |
/// | GONE, data port | origin 4, last number 4, why 1, zero 3 |
/// | BEAT, between hubs | see `LinkBeat` |
/// | REPORT, data port | see `LinkReport` |
/// | IDENTITY, data port | see `LinkIdentity` |
/// | WITNESS, data port | step 1 (`Witness.Step`), zero 3, token 4 |
package enum LinkPacket: Hashable, Sendable {
    package static let version: UInt8 = 1
    /// No packet is longer: it passes every network in one piece, with an envelope around it.
    package static let longest = 1200

    case hello(Greeting)
    case welcome(Greeting)
    case events(EventList)
    case pulse(Pulse)
    case want(Origin, Wanted)
    case state(StatePart)
    case gone(Origin, EventNumber, Departure)
    case beat(LinkBeat)
    case report(LinkReport)
    case identity(Origin, LinkIdentity)
    case witness(Witness)

    /// A hub that does not hear its partner any more asks whoever stands on both whether they do.
    package struct Witness: Hashable, Sendable {
        package enum Step: UInt8, Hashable, Sendable {
            /// A hub to a player: do you hear my partner?
            case question
            /// The player to its other hub: are you there? Its answer.
            case knock, here
            /// The player to the hub that has asked: it is there.
            case answer
        }
        package var step: Step
        /// What belongs together, drawn by the hub that asks.
        package var token: UInt32
        package init(_ step: Step, token: UInt32) { (self.step, self.token) = (step, token) }
    }

    /// What one side can and wants; and what the other grants.
    package struct Greeting: Hashable, Sendable {
        package struct Wants: OptionSet, Hashable, Sendable {
            package let rawValue: UInt8
            package init(rawValue: UInt8) { self.rawValue = rawValue }
            /// To send and to be sent numbered events, in place of RTP-MIDI.
            package static let numbered = Wants(rawValue: 1)
        }
        package var version: UInt8
        package var wants: Wants
        /// From one pulse to the next while something goes on.
        package var pulse: UInt16
        /// Of the program that runs: another one after it has begun anew.
        package var instance: UInt64
        /// Of a hub's answer: where its partner has the same room.
        package var partner: Place?

        package init(
            version: UInt8 = LinkPacket.version, wants: Wants, pulse: UInt16, instance: UInt64, partner: Place? = nil
        ) {
            (self.version, self.wants, self.pulse, self.instance) = (version, wants, pulse, instance)
            self.partner = partner
        }

        /// An IPv6 address as two numbers, and a control port.
        package struct Place: Hashable, Sendable {
            package var high: UInt64
            package var low: UInt64
            package var port: UInt16
            package init(high: UInt64, low: UInt64, port: UInt16) {
                (self.high, self.low, self.port) = (high, low, port)
            }
        }
    }

    /// Where events lie in a datagram.
    package struct EventList: Hashable, Sendable {
        package var origin: Origin
        /// Of the first event in the list: `repeats` before the first new one.
        package var first: EventNumber
        package var count: Int
        package var repeats: Int
        /// Of the first event in the list, in ticks of its origin's clock.
        package var time: UInt32
        /// The newest event of ours that the sender has, on paths that repeat until that is told.
        package var acknowledged: EventNumber?
        /// It answers a WANT.
        package var isAnswer: Bool
        package var list: CommandSection

        package var last: EventNumber { first.advanced(by: count - 1) }
    }

    package struct Pulse: Hashable, Sendable {
        /// How many origins one pulse tells of at most.
        package static let longest = 140
        static let complete: UInt8 = 1
        package var next: UInt16
        package var count: Int
        /// It tells of every origin that this path carries.
        package var isComplete: Bool
        let start: Int

        package func entry(_ index: Int, in datagram: RawSpan) -> (origin: Origin, last: EventNumber) {
            precondition(index < count, "a pulse has no such entry")
            let offset = start + 8 * index
            return (Origin(datagram.uint32(at: offset)), EventNumber(datagram.uint32(at: offset + 4)))
        }
    }

    package enum Wanted: Hashable, Sendable {
        case events(EventNumber, EventNumber)
        case state
    }

    /// A part of a state; where its list lies in a datagram.
    package struct StatePart: Hashable, Sendable {
        package var origin: Origin
        package var number: EventNumber
        package var part: Int
        package var parts: Int
        /// Events up to its number will not be sent.
        package var isFinal: Bool
        /// It is told to a controller, whose lights these are: notes that are held are struck, whenever they began. An
        /// older program leaves them out.
        package var isStruck: Bool
        package var list: CommandSection
    }

    package enum Departure: UInt8, Hashable, Sendable {
        /// It said goodbye, or is not to be heard over this path any more.
        case left = 0
        /// It has fallen silent on this path.
        case silent = 1
    }

    private static let acknowledges: UInt8 = 1
    private static let answers: UInt8 = 2
    private static let wantsState: UInt8 = 1
    static let finalState: UInt8 = 1
    static let struckState: UInt8 = 2
    /// Octets of an EVENTS before its list.
    static let eventsAt = LinkHead.byteCount + 18
    static let stateAt = LinkHead.byteCount + 12

    package init(decoding datagram: RawSpan, _ head: LinkHead) throws(PacketError) {
        let at = LinkHead.byteCount
        func require(_ count: Int) throws(PacketError) {
            guard datagram.byteCount >= at + count else {
                throw .truncated(needed: at + count, had: datagram.byteCount)
            }
        }
        switch head.kind {
        case .hello, .welcome:
            try require(12)
            var greeting = Greeting(
                version: datagram.uint8(at: at), wants: Greeting.Wants(rawValue: datagram.uint8(at: at + 1)),
                pulse: datagram.uint16(at: at + 2), instance: datagram.uint64(at: at + 4))
            if head.kind == .welcome, datagram.byteCount >= at + 30 {
                greeting.partner = Greeting.Place(
                    high: datagram.uint64(at: at + 12), low: datagram.uint64(at: at + 20),
                    port: datagram.uint16(at: at + 28))
            }
            self = head.kind == .hello ? .hello(greeting) : .welcome(greeting)
        case .events:
            try require(18)
            let list = try Self.list(datagram, at: Self.eventsAt)
            let repeats = Int(datagram.uint8(at: at + 16))
            let time = datagram.uint32(at: at + 8)
            let count = try Self.eventCount(of: list, in: datagram, time)
            guard count > 0, repeats <= count else { throw .malformed("fewer events than are said to be repeated") }
            self = .events(
                EventList(
                    origin: Origin(datagram.uint32(at: at)),
                    first: EventNumber(datagram.uint32(at: at + 4)).advanced(by: -repeats), count: count,
                    repeats: repeats, time: time,
                    acknowledged: head.flags & Self.acknowledges != 0
                        ? EventNumber(datagram.uint32(at: at + 12)) : nil,
                    isAnswer: head.flags & Self.answers != 0, list: list))
        case .pulse:
            try require(4)
            let count = Int(datagram.uint8(at: at + 2))
            try require(4 + 8 * count)
            self = .pulse(
                Pulse(
                    next: datagram.uint16(at: at), count: count, isComplete: head.flags & Pulse.complete != 0,
                    start: at + 4))
        case .want:
            try require(12)
            let (first, last) = (EventNumber(datagram.uint32(at: at + 4)), EventNumber(datagram.uint32(at: at + 8)))
            let isState = head.flags & Self.wantsState != 0
            guard isState || last.distance(from: first) >= 0 else { throw .malformed("the last before the first") }
            self = .want(Origin(datagram.uint32(at: at)), isState ? .state : .events(first, last))
        case .state:
            try require(12)
            let (part, parts) = (Int(datagram.uint8(at: at + 8)), Int(datagram.uint8(at: at + 9)))
            guard part < parts, parts <= StateParts.most else { throw .malformed("no such part of a state") }
            let list = try Self.list(datagram, at: Self.stateAt)
            _ = try Self.eventCount(of: list, in: datagram, 0)
            self = .state(
                StatePart(
                    origin: Origin(datagram.uint32(at: at)), number: EventNumber(datagram.uint32(at: at + 4)),
                    part: part, parts: parts, isFinal: head.flags & Self.finalState != 0,
                    isStruck: head.flags & Self.struckState != 0, list: list))
        case .gone:
            try require(12)
            guard let why = Departure(rawValue: datagram.uint8(at: at + 8)) else { throw .notForUs }
            self = .gone(Origin(datagram.uint32(at: at)), EventNumber(datagram.uint32(at: at + 4)), why)
        case .beat:
            try require(LinkBeat.byteCount)
            self = .beat(try LinkBeat(decoding: datagram, at: at))
        case .report:
            try require(LinkReport.byteCount)
            self = .report(LinkReport(decoding: datagram, at: at))
        case .witness:
            try require(8)
            guard let step = Witness.Step(rawValue: datagram.uint8(at: at)) else { throw .notForUs }
            self = .witness(Witness(step, token: datagram.uint32(at: at + 4)))
        case .identity:
            try require(LinkIdentity.headSize)
            self = .identity(Origin(datagram.uint32(at: at)), try LinkIdentity(decoding: datagram, at: at))
        }
    }

    private static func list(_ datagram: RawSpan, at start: Int) throws(PacketError) -> CommandSection {
        guard datagram.byteCount > start else { throw .truncated(needed: start + 1, had: datagram.byteCount) }
        let section = try CommandSection(decoding: datagram, in: start..<datagram.byteCount)
        guard section.journal == nil, !section.startsWithDelta else {
            throw .malformed("a list of a link has no journal, and no delta first")
        }
        return section
    }

    /// Reads a list to its end, since one broken command makes the rest unfindable.
    private static func eventCount(
        of list: CommandSection, in datagram: RawSpan, _ time: UInt32
    ) throws(PacketError) -> Int {
        var reader = CommandListReader(list, timestamp: time)
        var count = 0
        while let entry = try reader.next(in: datagram) {
            if case .sysEx(_, let data) = entry, data.count + 2 > EventWindow.longestEvent {
                throw .malformed("an event that is too long")
            }
            count += 1
        }
        guard count <= EventWindow.capacity else { throw .malformed("more events than anybody keeps") }
        return count
    }
}

extension LinkPacket {
    /// Writes all kinds but EVENTS, PULSE and STATE, which have writers of their own.
    package func write(from ssrc: SSRC, count: UInt16, into out: inout OutputRawSpan) {
        func head(_ kind: LinkHead.Kind, _ flags: UInt8 = 0, into out: inout OutputRawSpan) {
            LinkHead(ssrc: ssrc, kind: kind, flags: flags, count: count).write(into: &out)
        }
        switch self {
        case .hello(let greeting), .welcome(let greeting):
            if case .hello = self { head(.hello, into: &out) } else { head(.welcome, into: &out) }
            out.write(greeting.version)
            out.write(greeting.wants.rawValue)
            out.write(greeting.pulse)
            out.write(greeting.instance)
            if case .welcome = self, let partner = greeting.partner {
                out.write(partner.high)
                out.write(partner.low)
                out.write(partner.port)
            }
        case .want(let origin, let wanted):
            var (first, last): (UInt32, UInt32) = (0, 0)
            if case .events(let one, let other) = wanted { (first, last) = (one.rawValue, other.rawValue) }
            head(.want, wanted == .state ? Self.wantsState : 0, into: &out)
            out.write(origin.rawValue)
            out.write(first)
            out.write(last)
        case .gone(let origin, let number, let why):
            head(.gone, into: &out)
            out.write(origin.rawValue)
            out.write(number.rawValue)
            out.write(why.rawValue)
            out.write(0 as UInt8)
            out.write(0 as UInt16)
        case .beat(let beat):
            head(.beat, into: &out)
            beat.write(into: &out)
        case .report(let report):
            head(.report, into: &out)
            report.write(into: &out)
        case .witness(let witness):
            head(.witness, into: &out)
            out.write(witness.step.rawValue)
            out.write(0 as UInt8)
            out.write(0 as UInt16)
            out.write(witness.token)
        case .identity(let origin, let identity):
            head(.identity, into: &out)
            identity.write(origin, into: &out)
        case .events, .pulse, .state: preconditionFailure("it has a writer of its own")
        }
    }

    /// The head of an EVENTS with what stands before its octets from the origin on, which are the same for every hearer.
    static func eventsHead(from ssrc: SSRC, count: UInt16, isAnswer: Bool) -> LinkHead {
        LinkHead(ssrc: ssrc, kind: .events, flags: isAnswer ? answers : 0, count: count)
    }
}
