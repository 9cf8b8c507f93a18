import EngineProtocol

/// What comes of a drill, of what both hubs have noted.
extension DrillReport {
    /// `theirs`: nil where the partner's engine was killed, or has told nothing; which of both `wasKilled` says.
    static func hearers(_ mine: DrillRecord, _ theirs: DrillRecord?, wasKilled: Bool) -> [Hearer] {
        let comparison = DrillComparison(mine, theirs, wasKilled: wasKilled)
        let here = mine.hearers.map { one in
            comparison.report(one, theirs?.hearers.first { $0.origin == one.origin && $0.kind == one.kind })
        }
        let known = Set(mine.hearers.map(\.origin))
        let there = (theirs?.hearers ?? []).filter { !known.contains($0.origin) }.map { comparison.report(nil, $0) }
        return (here + there).compactMap(\.self).sorted { ($0.room, $0.name) < ($1.room, $1.name) }
    }
}

/// Of a speaker's events, and of one kind of hearers.
private struct DrillTally {
    var events = 0
    var lost = 0
    var doubled = 0
    var again = 0
    var doubtful = 0
    /// nil: it is not known.
    var late: UInt32? = 0

    mutating func waited(_ ticks: UInt32?) { late = ticks.flatMap { ticks in late.map { max($0, ticks) } } }
}

private struct DrillComparison {
    private let mine: [UInt32: DrillRecord.Speaker]
    private let theirs: [UInt32: DrillRecord.Speaker]?
    private let wasKilled: Bool

    init(_ mine: DrillRecord, _ theirs: DrillRecord?, wasKilled: Bool) {
        func byOrigin(_ record: DrillRecord) -> [UInt32: DrillRecord.Speaker] {
            Dictionary(record.speakers.map { ($0.origin, $0) }) { first, _ in first }
        }
        (self.mine, self.theirs, self.wasKilled) = (byOrigin(mine), theirs.map(byOrigin), wasKilled)
    }

    /// As each of the hubs has it.
    func report(_ here: DrillRecord.Hearer?, _ there: DrillRecord.Hearer?) -> DrillReport.Hearer? {
        guard let one = here ?? there else { return nil }
        var report = DrillReport.Hearer(name: one.name, room: one.room, kind: one.kind)
        if one.isLinked {
            if one.lostBefore == nil || one.lost == nil {
                report.remark = "it has not told what it lost"
            } else if one.lostBefore != 0 {
                report.remark = "it had lost some in the minute before"
            } else {
                report.lost = one.lost
            }
            return report
        }
        report.held = max(here?.held ?? 0, there?.held ?? 0)
        if here?.isUneven ?? false || there?.isUneven ?? false {
            report.remark = "whom it hears has changed meanwhile"
            return report
        }
        if one.kind == .paired, there == nil, !wasKilled || here == nil {
            report.remark = "the other hub has not told of it"
            return report
        }
        var all = DrillTally()
        for origin in Set(here?.hears ?? []).union(there?.hears ?? []) {
            guard let tally = tally(origin, isPaired: one.kind == .paired, isHere: here != nil, isThere: there != nil)
            else {
                report.remark = "somebody whom it hears came or went, or more changed than could be noted"
                return report
            }
            all.events += tally.events
            all.lost += tally.lost
            all.doubled += tally.doubled
            all.again += tally.again
            all.doubtful += tally.doubtful
            all.waited(tally.late)
        }
        (report.events, report.lost, report.doubled) = (all.events, all.lost, all.doubled)
        (report.again, report.doubtful) = (all.again > 0 ? all.again : nil, all.doubtful > 0 ? all.doubtful : nil)
        if all.events > 0 { report.late = all.late.map { Double($0) / 10 } }
        if all.late == nil { report.remark = "how late the silent hub sent it what it heard meanwhile" }
        return report
    }

    /// nil: not everything was noted.
    private func tally(_ origin: UInt32, isPaired: Bool, isHere: Bool, isThere: Bool) -> DrillTally? {
        let both = [mine[origin], theirs?[origin]].compactMap(\.self)
        guard let first = both.first else { return nil }
        func later(_ one: UInt32, than other: UInt32) -> Bool { Int32(bitPattern: one &- other) > 0 }
        // What both hubs know of: the one hears of the other's a moment later.
        let start = both.reduce(first.began) { later($1.began, than: $0) ? $1.began : $0 }
        let end = both.reduce(first.ended) { later($0, than: $1.ended) ? $1.ended : $0 }
        let count = Int(Int32(bitPattern: end &- start))
        guard count > 0 else { return DrillTally() }

        /// From 1 to `count`, behind the last one.
        func range(_ run: DrillRecord.Run) -> Range<Int> {
            let first = max(1, Int(Int32(bitPattern: run.first &- start)))
            return first..<max(first, min(count, Int(Int32(bitPattern: run.last &- start))) + 1)
        }
        var skipped: [Range<Int>] = []
        var (sent, again, unsure): ([Range<Int>], [Range<Int>], [Range<Int>]) = ([], [], [])
        var tally = DrillTally()
        for (speaker, isItsHearer) in [(mine[origin], isHere), (theirs?[origin], isThere)] {
            guard let speaker else { continue }
            guard let some = speaker.skipped, let runs = isPaired ? speaker.toPaired : speaker.toSingle else {
                return nil
            }
            skipped += some.map(range)
            tally.events += speaker.unsent ?? 0
            tally.lost += speaker.unsent ?? 0
            guard isItsHearer else { continue }
            sent += runs.filter { $0.isAgain != true }.map(range)
            again += runs.filter { $0.isAgain == true }.map(range)
            tally.waited(isPaired ? speaker.late : speaker.lateToSingle)
        }
        // Of a process that was killed only what it had told of is known: all but the last of that it had sent.
        if theirs == nil, isPaired, let told = mine[origin]?.told {
            let doubtful = mine[origin]?.doubtful
            sent.append(range(.init(start &+ 1, doubtful.map { $0 &- 1 } ?? told)))
            if let doubtful { unsure.append(range(.init(doubtful, told))) }
        }
        add(1..<count + 1, without: skipped, sent, again, unsure, to: &tally)
        return tally
    }

    /// From one end of some range to the next everything is alike.
    private func add(
        _ all: Range<Int>, without skipped: [Range<Int>], _ sent: [Range<Int>], _ again: [Range<Int>],
        _ unsure: [Range<Int>],
        to tally: inout DrillTally
    ) {
        let ends = Set(([all] + skipped + sent + again + unsure).flatMap { [$0.lowerBound, $0.upperBound] }).sorted()
        for (from, to) in zip(ends, ends.dropFirst()) {
            guard all.contains(from), !skipped.contains(where: { $0.contains(from) }) else { continue }
            let size = to - from
            func times(_ ranges: [Range<Int>]) -> Int { ranges.count { $0.contains(from) } }
            tally.events += size
            switch (times(sent), times(again), times(unsure)) {
            case (0, 0, 0): tally.lost += size
            case (0, 0, _): tally.doubtful += size
            case (0, _, 0): break
            case (1, 0, _): break
            case (0, _, _), (1, _, _): tally.again += size
            default: tally.doubled += size
            }
        }
    }
}
