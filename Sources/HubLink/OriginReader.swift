import MIDI
package import RTPMIDI
package import Rooms

/// The merge: one origin's events, which come by one or several paths, are let out once each and in order of their numbers.
/// The first copy counts; nothing waits while nothing is missing. Times are in ticks of 100 µs.
///
/// | what came | then |
/// |---|---|
/// | the next event | it is let out, and those that waited behind it |
/// | an earlier one | a second copy: dropped, and its lateness noted |
/// | a later one | it waits; another path that has not come so far may bring what is missing in a moment |
/// | nothing in that moment, or all paths are past it | the events are asked for, some times |
/// | nothing then either, or all paths are past more than a window has | a state is asked for, and its difference let out |
/// | a state in place of the events | that path does not have them; when no other may have them it is let out so |
/// | no state after some questions | what is missing is given up |
package struct OriginReader {
    package static let pathLimit = 8

    private struct Path: BitwiseCopyable {
        var carries = false
        /// The newest number that it has brought or told of.
        var highest: UInt32 = 0
        var hasHighest = false
    }
    private struct Arrival: BitwiseCopyable {
        var number: UInt32 = 0
        var at: UInt64 = 0
        var paths: UInt8 = 0
        var first: UInt8 = 0
        var isAnswer = false
    }
    /// No part of the value itself, which would be large.
    private final class Arrivals {
        var all = [Arrival](repeating: Arrival(), count: EventWindow.capacity)
        static func index(_ number: EventNumber) -> Int { Int(number.rawValue % UInt32(EventWindow.capacity)) }
    }

    /// How long what is missing is waited for before it is asked for, at most, and where nobody knows how far the paths lie
    /// apart.
    private static let longestHold: UInt64 = 100
    private static let usualHold: UInt64 = 50
    /// What a pulse tells of may have been overtaken by the pulse.
    private static let overtaken: UInt64 = 20
    private static let longestAnswer: UInt64 = 1_000
    /// Questions for events, of which as many answers may get lost, and then for a state, before what is missing is given up.
    private static let eventQuestions = 6
    private static let questions = 14
    /// A note that began in a gap longer than this is not struck any more.
    package static let struckLate: UInt64 = 2_500
    /// When an event has come by all paths by which it will.
    private static let settling: UInt64 = 10_000

    package let origin: Origin
    package let window: EventWindow
    /// Of the next event that will be let out; nil before anything is known.
    package private(set) var next: EventNumber?
    private var paths = [8 of Path](repeating: Path())
    /// By number; only where statistics are wanted.
    private let arrivals: Arrivals?
    private let statistics: PathStatistics?

    private struct Missing: BitwiseCopyable {
        /// How often it was asked for, and when the next step is due.
        var asked = 0
        var due: UInt64
        var lastAsked: Int?
        /// Paths that were asked for the events, and those that do not have them: a bit for each.
        var pathsAsked: UInt8 = 0
        var pathsWithout: UInt8 = 0
        var asksForState = false
    }
    private var missing: Missing?
    private var lastLetOut: UInt64 = 0
    /// When the newest event that has come was played, by its origin's clock.
    private var newestPlayed: UInt32?
    private var gathered: StateParts?

    /// - Parameter next: where it goes on after a restart of ours.
    package init(
        _ origin: Origin, window: EventWindow = EventWindow(), next: EventNumber? = nil,
        statistics: PathStatistics? = nil
    ) {
        (self.origin, self.window, self.next, self.statistics) = (origin, window, next, statistics)
        arrivals = statistics == nil ? nil : Arrivals()
    }

    // MARK: What comes

    /// What a path has brought. `emit` is given what is let out, the octets that the range of a segment is of, and its
    /// number.
    package mutating func receive(
        _ list: LinkPacket.EventList, in datagram: RawSpan, by path: Int, at now: UInt64,
        emit: (Emission, RawSpan, EventNumber?) -> Void
    ) {
        // The first events of an origin need no state before them.
        if next == nil, list.first.rawValue == 1 { next = list.first }
        var reader = CommandListReader(list.list, timestamp: list.time)
        var number = list.first
        while let entry = try? reader.next(in: datagram) {
            saw(number, by: path, isAnswer: list.isAnswer, at: now)
            if newestPlayed.map({ Int32(bitPattern: reader.time &- $0) > 0 }) ?? true { newestPlayed = reader.time }
            if isWanted(number) { keep(entry, number, reader.time, datagram, now) }
            number = number.advanced(by: 1)
        }
        told(of: list.last, by: path)
        letOut(at: now, overtaken: 0, emit: emit)
    }

    /// A path has told of an origin's newest number.
    package mutating func receive(
        last: EventNumber, by path: Int, at now: UInt64, emit: (Emission, RawSpan, EventNumber?) -> Void
    ) {
        told(of: last, by: path)
        letOut(at: now, overtaken: Self.overtaken, emit: emit)
    }

    /// A part of a state. `known` is what was let out so far; what leads from there is let out without a number.
    package mutating func receive(
        _ part: LinkPacket.StatePart, in datagram: RawSpan, by path: Int, known: SpeakerState, at now: UInt64,
        emit: (Emission, RawSpan, EventNumber?) -> Void
    ) {
        // Lights that nobody carried are told anew, whatever was let out before: others have changed them meanwhile.
        if part.isStruck, !isCarried { (next, missing) = (nil, nil) }
        let known = part.isStruck && next == nil ? SpeakerState() : known
        told(of: part.number, by: path)
        guard takes(part, by: path, at: now) else { return letOut(at: now, overtaken: Self.overtaken, emit: emit) }
        let parts = gathered.flatMap { $0.belongs(part) ? $0 : nil } ?? StateParts(part)
        parts.add(part, in: datagram)
        gathered = parts
        guard parts.isComplete else { return }
        gathered = nil
        if let next { statistics?.repaired(part.number.distance(from: next) + 1, at: now) }
        let strikes = part.isStruck || next != nil && now &- lastLetOut <= Self.struckLate
        known.tell(differenceTo: parts.state, strikes: strikes) {
            emit(.message($0, time: 0, isRepair: true), datagram, nil)
        }
        next = part.number.advanced(by: 1)
        missing = nil
        letOut(at: now, overtaken: 0, emit: emit)
    }

    /// A path does not carry the origin any more, or has died. True where no other does: what it holds is to be released.
    package mutating func lose(_ path: Int) -> Bool {
        guard paths[path].carries else { return false }
        paths[path] = Path()
        if !isCarried { missing = nil }
        return !isCarried
    }

    /// By which paths an event has come so far, a bit for each; 0 where that is not known any more.
    package func paths(of number: EventNumber) -> UInt8 {
        guard let arrival = arrivals?.all[Arrivals.index(number)], arrival.number == number.rawValue else { return 0 }
        return arrival.paths
    }

    /// The number of the last that was let out; nil before anything was.
    package var last: EventNumber? { next?.advanced(by: -1) }

    package var isCarried: Bool { (0..<Self.pathLimit).contains { paths[$0].carries } }
    package func isCarried(by path: Int) -> Bool { paths[path].carries }

    // MARK: What is missing

    /// When `wake` is to be called; nil: nothing is missing.
    package var deadline: UInt64? { missing?.due }

    /// Does what is due: asks, or gives up: then what may hang is ended.
    /// - Parameter roundTrip: of a path, in ticks.
    package mutating func wake(
        at now: UInt64, known: SpeakerState, roundTrip: (Int) -> UInt64, ask: (Int, LinkPacket.Wanted) -> Void,
        emit: (Emission, RawSpan, EventNumber?) -> Void
    ) {
        guard var missing, missing.due <= now else { return }
        guard missing.asked < Self.questions, let path = whomToAsk(missing, roundTrip) else {
            return giveUp(at: now, known, emit: emit)
        }
        let patience = min(Self.longestAnswer, roundTrip(path) + 20)
        if let next, missing.asked < Self.eventQuestions, !isBeyondEvents(next) {
            ask(path, .events(next, lastMissing(from: next)))
            missing.pathsAsked |= Self.bit(path)
            missing.due = now + patience
        } else {
            ask(path, .state)
            missing.asksForState = true
            missing.due = now + max(500, 2 * patience)
        }
        missing.asked += 1
        missing.lastAsked = path
        self.missing = missing
    }

    /// To be called about once a second: what has come by all its paths is counted.
    package func settle(at now: UInt64) {
        guard let statistics, let arrivals else { return }
        for (index, arrival) in arrivals.all.enumerated() where arrival.paths != 0 && now &- arrival.at >= Self.settling
        {
            statistics.settled(paths: arrival.paths, isAnswer: arrival.isAnswer, at: now)
            arrivals.all[index].paths = 0
        }
    }

    // MARK: Inside

    private func isWanted(_ number: EventNumber) -> Bool {
        guard let next else { return true }
        return (0..<EventWindow.capacity).contains(number.distance(from: next)) && !window.has(number)
    }

    private mutating func keep(
        _ entry: CommandListReader.Entry, _ number: EventNumber, _ time: UInt32, _ datagram: RawSpan, _ now: UInt64
    ) {
        switch entry {
        case .command(let command, _): window.put(number, time: time, command, at: now)
        case .system(let message): window.put(number, time: time, message, at: now)
        case .sysEx(_, let data):
            // With its framing octets.
            unsafe datagram.extracting(data.lowerBound - 1..<data.upperBound + 1).withUnsafeBytes {
                unsafe window.put(number, time: time, $0, at: now)
            }
        }
    }

    private mutating func saw(_ number: EventNumber, by path: Int, isAnswer: Bool, at now: UInt64) {
        guard let statistics, let arrivals else { return }
        let index = Arrivals.index(number)
        let bit = Self.bit(path)
        var arrival = arrivals.all[index]
        if arrival.paths != 0, arrival.number == number.rawValue {
            guard arrival.paths & bit == 0 else { return }
            if arrival.paths.nonzeroBitCount == 1 {
                statistics.saw(skew: now &- arrival.at, first: Int(arrival.first))
            }
            arrivals.all[index].paths |= bit
            return
        }
        // A copy that comes when its event is long settled.
        guard next.map({ number.distance(from: $0) >= 0 }) ?? true else { return }
        if arrival.paths != 0 { statistics.settled(paths: arrival.paths, isAnswer: arrival.isAnswer, at: now) }
        arrival = Arrival(number: number.rawValue, at: now, paths: bit, first: UInt8(path), isAnswer: isAnswer)
        arrivals.all[index] = arrival
    }

    private mutating func told(of last: EventNumber, by path: Int) {
        paths[path].carries = true
        if !paths[path].hasHighest || last.distance(from: EventNumber(paths[path].highest)) > 0 {
            (paths[path].highest, paths[path].hasHighest) = (last.rawValue, true)
        }
    }

    private mutating func letOut(
        at now: UInt64, overtaken: UInt64, emit: (Emission, RawSpan, EventNumber?) -> Void
    ) {
        let before = next
        while let number = next, window.has(number) {
            let time = window.times(number).played
            unsafe window.withBytes(number) {
                var emission = unsafe Self.emission($0, time)
                if isTooLate(emission, time) {
                    statistics?.lost(1, at: now)
                    emission = .system(.nothing, time: time)
                }
                unsafe emit(emission, $0.bytes, number)
            }
            next = number.advanced(by: 1)
            lastLetOut = now
        }
        guard isBehind else {
            missing = nil
            return
        }
        // Another gap than before.
        if missing == nil || before != next { missing = Missing(due: now &+ max(overtaken, hold)) }
    }

    /// A note that began long before what is played now: after a pause of the network it is not struck, or all of them would
    /// be at once. What ends, and what is set, always counts.
    private func isTooLate(_ emission: Emission, _ time: UInt32) -> Bool {
        guard case .message(let message, _, _) = emission, message.strikes else { return false }
        return newestPlayed.map { Int32(bitPattern: $0 &- time) > Int32(Self.struckLate) } ?? false
    }

    /// Something is known of that has not been let out.
    private var isBehind: Bool {
        guard let next else { return isCarried }
        for index in 0..<Self.pathLimit where paths[index].hasHighest {
            if EventNumber(paths[index].highest).distance(from: next) >= 0 { return true }
        }
        return false
    }

    /// For how long another path may still bring what is missing.
    private var hold: UInt64 {
        guard let next else { return 0 }
        for index in 0..<Self.pathLimit where paths[index].carries {
            if !paths[index].hasHighest || EventNumber(paths[index].highest).distance(from: next) < 0 {
                let usual = statistics?.skew(percentile: 95).map { UInt64($0) + 10 } ?? Self.usualHold
                return min(Self.longestHold, usual)
            }
        }
        return 0
    }

    /// Whether a state may stand for what is missing: where events may still come, by whatever path, they are better.
    private mutating func takes(_ part: LinkPacket.StatePart, by path: Int, at now: UInt64) -> Bool {
        guard let next else { return true }
        guard part.number.distance(from: next) >= 0 else { return false }
        var missing = missing ?? Missing(due: now &+ max(Self.overtaken, hold))
        if part.isFinal || missing.pathsAsked & Self.bit(path) != 0 { missing.pathsWithout |= Self.bit(path) }
        self.missing = missing
        return missing.asksForState
            || missing.pathsWithout != 0
                && (0..<Self.pathLimit).allSatisfy { !paths[$0].carries || missing.pathsWithout & Self.bit($0) != 0 }
    }

    private static func bit(_ path: Int) -> UInt8 { 1 << UInt8(path) }

    /// All paths are past more than events can be asked for.
    private func isBeyondEvents(_ next: EventNumber) -> Bool {
        (0..<Self.pathLimit).allSatisfy {
            !paths[$0].carries
                || paths[$0].hasHighest
                    && EventNumber(paths[$0].highest).distance(from: next) >= EventWindow.capacity
        }
    }

    private func lastMissing(from next: EventNumber) -> EventNumber {
        var last = next
        for index in 0..<Self.pathLimit where paths[index].hasHighest {
            let highest = EventNumber(paths[index].highest)
            if highest.distance(from: last) > 0 { last = highest }
        }
        if last.distance(from: next) >= EventWindow.capacity { last = next.advanced(by: EventWindow.capacity - 1) }
        while last != next, window.has(last) { last = last.advanced(by: -1) }
        return last
    }

    /// Of the paths that have come so far, and that may have it, the nearest; every second time another one.
    private func whomToAsk(_ missing: Missing, _ roundTrip: (Int) -> UInt64) -> Int? {
        func isWorse(_ path: Int) -> (Bool, Bool, UInt64) {
            (
                missing.pathsWithout & Self.bit(path) != 0, missing.asked % 2 == 1 && path == missing.lastAsked,
                roundTrip(path)
            )
        }
        var best: Int?
        for index in 0..<Self.pathLimit where paths[index].carries && paths[index].hasHighest {
            if let next, EventNumber(paths[index].highest).distance(from: next) < 0 { continue }
            guard let other = best else {
                best = index
                continue
            }
            let (one, two) = (isWorse(index), isWorse(other))
            if one.0 != two.0 ? !one.0 : one.1 != two.1 ? !one.1 : one.2 < two.2 { best = index }
        }
        return best
    }

    /// Nobody has it any more: goes on with what there is.
    private mutating func giveUp(
        at now: UInt64, _ known: SpeakerState, emit: (Emission, RawSpan, EventNumber?) -> Void
    ) {
        guard
            let last = (0..<Self.pathLimit).filter({ paths[$0].hasHighest }).map({ EventNumber(paths[$0].highest) })
                .max(by: { $1.distance(from: $0) > 0 })
        else {
            missing = nil
            return
        }
        var number = next ?? last
        if last.distance(from: number) >= EventWindow.capacity {
            number = last.advanced(by: 1 - EventWindow.capacity)
        }
        while last.distance(from: number) >= 0, !window.has(number) { number = number.advanced(by: 1) }
        if let next { statistics?.lost(number.distance(from: next), at: now) }
        next = number
        let nothing = [UInt8]()
        for release in known.held.releases(whileHeldBy: [], unseen: false) {
            unsafe emit(.message(release, time: 0, isRepair: true), nothing.span.bytes, nil)
        }
        missing = nil
        letOut(at: now, overtaken: 0, emit: emit)
    }

    private static func emission(_ bytes: UnsafeRawBufferPointer, _ time: UInt32) -> Emission {
        let (first, second) = unsafe (bytes[0], bytes.count > 1 ? bytes[1] : 0)
        let third = unsafe bytes.count > 2 ? bytes[2] : 0
        if first < 0xF0 { return .message(ChannelCommand(first, second, third).message, time: time, isRepair: false) }
        if first == 0xF0 || first == 0xF7, let part = unsafe SysExPart(head: first, tail: bytes[bytes.count - 1]) {
            return .sysEx(part, 1..<bytes.count - 1, time: time)
        }
        // Every event was decoded before it was kept.
        guard let system = SystemMessage(first, second, third) else { preconditionFailure("no event begins so") }
        return .system(system, time: time)
    }
}
