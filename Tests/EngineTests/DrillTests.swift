import EngineProtocol
import Foundation
import Linux
import MIDI
import Rooms
import TestSupport
import Testing

@testable import Engine

/// Drills of two hubs, and what both have noted.
struct DrillTests {
    private let on = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)
    private let off = Message.noteOff(Channel(truncating: 0), note: 60, velocity: 64)

    /// A pair with a piano and a desk on both hubs.
    private final class Stage {
        let pair: PairUnderTest
        let piano: DoublePlayer
        let desk: DoublePlayer
        private var value: UInt8 = 0

        init(silence: Int = 2_000) throws {
            pair = try PairUnderTest(silence: silence)
            try pair.agree()
            let players = try pair.players(["Piano", "Desk"])
            (piano, desk) = (players[0], players[1])
        }

        func pump() { for one in [piano, desk] { one.pump() } }

        /// What comes of it, as both hubs tell, while the piano plays.
        func drill(
            _ plan: DrillPlan, by engine: EngineUnderTest, strikes: Bool = false, more: () -> Void = {}
        ) throws -> DrillReport {
            #expect(try engine.drill(plan) == nil)
            var reports: [DrillReport] = []
            try eventually("a report of both", seen: pair.seen) {
                value = (value + 1) % 128
                piano.play(.controlChange(Channel(truncating: 1), controller: 1, value: DataByte(truncating: value)))
                if strikes {
                    let note = DataByte(truncating: value)
                    piano.play(.noteOn(Channel(truncating: 0), note: note, velocity: 100))
                    piano.play(.noteOff(Channel(truncating: 0), note: note, velocity: 64))
                }
                pump()
                more()
                reports = try [pair.main, pair.backup].compactMap { try $0.status().failover?.drill }
                return reports.count == 2
            }
            #expect(reports[0] == reports[1])
            return reports[0]
        }
    }

    private func plan(_ kind: DrillPlan.Kind, isMain: Bool? = nil, duration: Int? = nil) -> DrillPlan {
        DrillPlan(id: 7, kind: kind, isMain: isMain, duration: duration, pause: 100)
    }

    @Test(arguments: [true, false]) func `a handover and back is measured, whichever hub is asked`(isMain: Bool) throws
    {
        let stage = try Stage()
        stage.piano.play(on)
        try eventually("the note") {
            stage.pump()
            return stage.desk.heard == [[on], []]
        }
        let report = try stage.drill(plan(.handover), by: isMain ? stage.pair.main : stage.pair.backup)
        #expect(report.passed && report.trouble == nil && report.speaks == .main, "\(report)")
        let desk = try #require(report.hearers.first { $0.name == "Desk" })
        #expect(desk.kind == .paired && desk.events ?? 0 > 0 && desk.held == 1, "\(desk)")
        #expect(desk.lost == 0 && desk.doubled == 0 && desk.late != nil)
        #expect(stage.desk.heard.allSatisfy { !$0.isEmpty })
    }

    @Test func `a hub that says nothing is taken over from, and what waited for that is measured as late`() throws {
        let stage = try Stage(silence: 200)
        let single = try stage.pair.main.player("Single")
        let plan = plan(.mute, isMain: true, duration: 1_500)
        let report = try stage.drill(plan, by: stage.pair.main) { single.pump() }
        #expect(report.passed && report.speaks == .backup, "\(report)")
        let desk = try #require(report.hearers.first { $0.name == "Desk" })
        #expect(desk.lost == 0 && desk.doubled == 0, "\(desk)")
        // It was silent for 200 ms before anybody noticed.
        #expect(desk.late ?? 0 > 100, "\(desk)")
        #expect(try stage.pair.main.status().failover?.reason == .drill)
        // How late it heard what the silent hub heard meanwhile nobody knows.
        let one = try #require(report.hearers.first { $0.name == "Single" })
        #expect(one.kind == .single && one.events ?? 0 > 0 && one.late == nil && one.remark != nil, "\(one)")
    }

    @Test func `notes that waited for too long to be struck are lost, and the drill does not pass`() throws {
        let stage = try Stage(silence: 1_000)
        let plan = plan(.mute, isMain: true, duration: 3_000)
        let report = try stage.drill(plan, by: stage.pair.backup, strikes: true)
        let desk = try #require(report.hearers.first { $0.name == "Desk" })
        #expect(!report.passed && report.trouble == nil && desk.lost ?? 0 > 0, "\(report)")
    }

    @Test func `a hub that only stands by may say nothing, and nothing changes`() throws {
        let stage = try Stage(silence: 200)
        let report = try stage.drill(plan(.mute, isMain: false, duration: 400), by: stage.pair.main)
        #expect(report.passed && report.speaks == .main, "\(report)")
        #expect(report.hearers.allSatisfy { $0.lost == 0 && $0.late ?? 0 < 100 }, "\(report.hearers)")
        #expect(stage.desk.heard[1].isEmpty)
    }

    @Test func `a silent hub that is left alone speaks at once`() throws {
        let stage = try Stage()
        #expect(try stage.pair.main.drill(plan(.mute, isMain: true, duration: 30_000)) == nil)
        try eventually("it hangs", seen: stage.pair.seen) { try stage.pair.main.status().failover?.phase == .fenced }
        stage.pair.backup.stop()
        try eventually("it speaks", seen: stage.pair.seen) { try stage.pair.main.status().failover?.phase == .alone }
        let report = try stage.pair.main.status().failover?.drill
        #expect(report?.trouble == "the other hub has gone" && report?.passed == false)
        let desk = stage.desk.sessions[0]
        stage.piano.sessions[0].play(on)
        try eventually("the note") {
            for one in [desk, stage.piano.sessions[0]] { one.pump() }
            return desk.heard.last == on
        }
    }

    @Test func `the hub whose engine is to be killed is told so by the other one, which tells when it is not`() throws {
        let stage = try Stage()
        #expect(try stage.pair.main.drill(plan(.kill, isMain: true)) == nil)
        try eventually("it is to be killed", seen: "\(stage.pair.main.all)") {
            stage.pair.main.all.contains { if case .killed = $0 { true } else { false } }
        }
        #expect(!stage.pair.backup.all.contains { if case .killed = $0 { true } else { false } })
        #expect(try stage.pair.main.drill(plan(.handover)) == "a drill is on")
    }

    @Test func `without a partner there is no drill`() throws {
        let pair = try PairUnderTest()
        try pair.agree()
        pair.backup.stop()
        try eventually("alone") { try pair.main.status().failover?.phase == .alone }
        #expect(try pair.main.drill(plan(.handover)) == "the partner is not there")
    }

    // MARK: What comes of two records

    private func speaker(_ sent: [(UInt32, UInt32)], skipped: [(UInt32, UInt32)] = []) -> DrillRecord.Speaker {
        var speaker = DrillRecord.Speaker(origin: 1, began: 100, ended: 200)
        speaker.skipped = skipped.map { .init($0.0, $0.1) }
        speaker.toPaired = sent.map { .init($0.0, $0.1) }
        return speaker
    }
    private func record(_ speaker: DrillRecord.Speaker) -> DrillRecord {
        let desk = DrillRecord.Hearer(origin: 2, name: "Desk", room: "room", kind: .paired, hears: [1], held: 1)
        return DrillRecord(speakers: [speaker], hearers: [desk])
    }
    private func compare(_ mine: DrillRecord, _ theirs: DrillRecord?, wasKilled: Bool = false) throws
        -> DrillReport.Hearer
    {
        try #require(DrillReport.hearers(mine, theirs, wasKilled: wasKilled).first)
    }

    @Test func `what both sent came twice, and what neither sent is lost`() throws {
        let desk = try compare(
            record(speaker([(101, 150)])), record(speaker([(149, 180), (185, 200)])))
        #expect(desk.events == 100 && desk.doubled == 2 && desk.lost == 4 && desk.held == 1, "\(desk)")
    }

    @Test func `numbers that belong to no message are neither lost nor sent`() throws {
        let desk = try compare(
            record(speaker([(101, 110)], skipped: [(111, 119)])), record(speaker([(120, 200)])))
        #expect(desk.events == 91 && desk.doubled == 0 && desk.lost == 0, "\(desk)")
    }

    @Test func `what neither hub has let out is lost though it has no number`() throws {
        var late = speaker([(101, 200)])
        late.unsent = 3
        let desk = try compare(record(late), record(speaker([])))
        #expect(desk.events == 103 && desk.lost == 3, "\(desk)")
    }

    @Test func `only what both hubs have seen from beginning to end counts`() throws {
        var late = speaker([])
        (late.began, late.ended) = (120, 180)
        let desk = try compare(record(late), record(speaker([(121, 180)])))
        #expect(desk.events == 60 && desk.lost == 0, "\(desk)")
    }

    @Test func `numbers go on behind the largest`() throws {
        var (one, other) = (speaker([(1, 50)]), speaker([(.max - 9, 0)]))
        for index in [0, 1] {
            if index == 0 {
                (one.began, one.ended) = (.max - 10, 50)
            } else {
                (other.began, other.ended) = (.max - 10, 50)
            }
        }
        let desk = try compare(record(one), record(other))
        #expect(desk.events == 61 && desk.lost == 0 && desk.doubled == 0, "\(desk)")
    }

    @Test func `of a hub that was killed its last word decides what it had sent, and what nobody knows`() throws {
        var left = speaker([(151, 200)])
        (left.told, left.doubtful) = (150, 149)
        let desk = try compare(record(left), nil, wasKilled: true)
        #expect(desk.lost == 0 && desk.doubled == 0 && desk.doubtful == 2, "\(desk)")
        left.toPaired?.append(.init(150, 150, isAgain: true))
        let again = try compare(record(left), nil, wasKilled: true)
        #expect(again.doubtful == 1 && again.again == 1, "\(again)")
    }

    @Test func `what was said once more to be sure is told as that, and came not twice by mistake`() throws {
        var left = speaker([(151, 200)])
        left.toPaired?.append(.init(149, 150, isAgain: true))
        let desk = try compare(record(left), record(speaker([(101, 150)])))
        #expect(desk.lost == 0 && desk.doubled == 0 && desk.again == 2, "\(desk)")
    }

    @Test func `what was not noted is not measured`() throws {
        let other = record(speaker([(101, 200)]))
        var full = speaker([])
        full.skipped = nil
        for one in [try compare(record(full), other), try compare(other, nil)] {
            #expect(one.lost == nil && one.doubled == nil && one.late == nil && one.remark != nil, "\(one)")
        }
        var numbered = DrillRecord.Hearer(origin: 3, name: "Join", room: "room", kind: .numbered, hears: [1])
        (numbered.isLinked, numbered.lostBefore, numbered.lost) = (true, 0, 0)
        #expect(try compare(DrillRecord(hearers: [numbered]), nil, wasKilled: true).lost == 0)
        numbered.lostBefore = 2
        #expect(try compare(DrillRecord(hearers: [numbered]), nil, wasKilled: true).lost == nil)
    }

    @Test func `a partner of an older version has told all that it tells, and a newer one may tell more`() throws {
        let hello = #"{"kind":"hello","hello":{"version":"1","instance":1,"isMain":true,"ports":{},"rooms":[]}}"#
        #expect(PartnerLine(Array(hello.utf8))?.hello?.drills == nil)
        #expect(PartnerLine(Array(#"{"kind":"drill","drill":{"step":"later"}}"#.utf8)) == nil)
        #expect(PartnerLine(Array(#"{"kind":"drill","drill":{"step":"begin","more":1}}"#.utf8))?.drill?.step == .begin)
    }
}
