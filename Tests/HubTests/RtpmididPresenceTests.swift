import EngineProtocol
import Linux
import Rooms
import Rtpmidid
import Sequencer
import Store
import TestSupport
import TestTraits
import Testing

@testable import Hub

/// Who is on an rtpmidid according to its log and its answers, and how far these are believed.
@Suite(.ownThread) struct RtpmididPresenceTests {
    @Test func `latencies of two of the same name are told apart, though the log names both alike`() throws {
        let stage = try RtpmididStage()
        let one = try stage.join("Twin")
        let two = try stage.join("Twin")
        try stage.run(until: "both are known to `status`") {
            stage.engine.participants.filter { $0.ssrc != nil }.count == 2
        }
        try stage.drive.latency(one.id, milliseconds: 10)
        try stage.drive.latency(two.id, milliseconds: 50)
        try stage.run(until: "a figure for each") {
            stage.rtt(one.port)?.last == 10 && stage.rtt(two.port)?.last == 50
        }
    }

    @Test func `lines forged by a newline in a name are believed by nobody`() throws {
        let stage = try RtpmididStage()
        let honest = try stage.join("Honest")
        try stage.drive.latency(honest.id, milliseconds: 5)
        try stage.run(until: "the honest figure") { stage.rtt(honest.port)?.last == 5 }
        let forged = Array(
            """
            x
            [INFO ] rtppeer.cpp:307                  | Latency Honest: 0.10 ms (server / 3)\u{1b}[0m
            [INFO ] local_alsa_peer.cpp:33           | Created alsapeer Nobody, port 9\u{1b}[0m
            [INFO ] midirouter.cpp:106               | Removed peer 2\u{1b}[0m
            y
            """.utf8)
        stage.appear(try stage.invite(forged).port, forged)
        try stage.run(until: "the doubt") { stage.engine.tracker.suspicion != nil }
        let names = stage.engine.participants.map(\.name)
        #expect(names.count == 2 && names.contains("Honest") && !names.contains("Nobody"))
        try stage.drive.latency(honest.id, milliseconds: 7)
        try stage.run(until: "the next honest figure, from status") {
            stage.rtt(honest.port)?.last == 7
        }
        #expect(stage.rtt(honest.port)?.min == 5)
        #expect(try stage.texts(.left, .lost).isEmpty)
        #expect(try !stage.texts(.logDoubted).isEmpty)
    }

    @Test func `beside a name that is no text the others' figures come from the log alone`() throws {
        let stage = try RtpmididStage()
        let name: [UInt8] = [0x42, 0xE9, 0x42]
        let (piano, other) = (try stage.invite(Array("Piano".utf8)), try stage.invite(name))
        // No invitation is near enough any more to be a record that the later lines are a part of.
        try stage.drive.log(Array("[INFO ] main.cpp:1 | \(String(repeating: "x", count: 1500))\u{1b}[0m".utf8))
        stage.appear(piano.port, Array("Piano".utf8))
        stage.appear(other.port, name)
        #expect(stage.engine.participants.map(\.name).contains("B\u{FFFD}B"))
        // A line that is read before it is known that `status` is not answered may wait for it in vain.
        try stage.run(until: "Piano's figure") {
            try? stage.drive.latency(piano.id, milliseconds: 3)
            return stage.rtt(piano.port)?.last == 3
        }
        #expect(stage.engine.participants.allSatisfy { $0.ssrc == nil || $0.name == "Piano" })
    }

    @Test func `totals go on with the next hub, and no line of the log is lost or counted twice`() throws {
        var stage = try RtpmididStage()
        let piano = try stage.join("Piano")
        var sent = 0
        for lines in [3, 4, 5] {
            for _ in 0..<lines {
                sent += 1
                try stage.drive.latency(piano.id, milliseconds: Double(sent))
                try stage.run(until: "figure \(sent)") { stage.rtt(piano.port)?.samples == sent }
            }
            let daemon = try stage.die(isSettled: lines != 4)
            // While no hub is there.
            sent += 1
            try daemon.drive.latency(piano.id, milliseconds: Double(sent))
            stage = try RtpmididStage(daemon)
            stage.appear(piano.port, Array("Piano".utf8))
            try stage.run(until: "the line of the time between") {
                stage.rtt(piano.port)?.samples == sent
            }
        }
        let rtt = try #require(stage.rtt(piano.port))
        #expect(rtt.min == 1 && rtt.max == Double(sent) && rtt.last == Double(sent))
        #expect(rtt.average == Double(sent + 1) / 2)
        #expect(try stage.texts(.joined, .left).count == 1)
        let database = stage.database
        let onRecord = blocking { () -> Int64? in
            guard let visit = try? await database.openVisits().first else { return nil }
            return try? await database.latencySummary(of: visit, includingUnconfirmed: true)?.count
        }
        #expect(onRecord == Int64(sent))
    }

    @Test func `who falls silent is told of, and taken out when the daemon keeps it all the same`() throws {
        let stage = try RtpmididStage()
        let (ghost, alive) = (try stage.join("Ghost"), try stage.join("Alive"))
        for one in [ghost, alive] { try stage.drive.latency(one.id, milliseconds: 4) }
        try stage.run(until: "both figures") { stage.rtt(ghost.port) != nil && stage.rtt(alive.port) != nil }
        try stage.run(until: "both are known to `status`") { stage.engine.attendance.all.allSatisfy { $0.node != nil } }
        try stage.drive.vanish(ghost.id, asGhost: true)
        let now = ContinuousClock.now
        for seconds in 40...60 { stage.engine.judgeSilence(now: now.advanced(by: .seconds(seconds))) }
        #expect(stage.engine.attendance[ghost.port]?.view.state == .silent)
        #expect(try stage.texts(.silent).filter { $0.hasPrefix("Ghost has been silent for") }.count == 1)
        stage.engine.heard(alive.port, 1)
        stage.engine.attendance[alive.port]?.lastSign = now.advanced(by: .seconds(60))
        stage.engine.judgeSilence(now: now.advanced(by: .seconds(70)))
        #expect(stage.engine.attendance[ghost.port]?.view.state == .ghost)
        // The daemon's connection goes, and with it the port.
        try stage.run(until: "its end in the daemon") { (try? stage.drive.counts()["nodes"]) == 3 }
        stage.engine.vanished(ghost.port)
        try stage.run(until: "its end here") { stage.engine.leaving.isEmpty }
        #expect(stage.engine.participants.map(\.name) == ["Alive"])
        #expect(
            try stage.texts(.ghost, .lost) == [
                "Ghost has given no sign for more than a minute and rtpmidid keeps its port: removed",
                "Ghost vanished without saying so (room Main)",
            ])
    }

    @Test func `who says goodbye left`() throws {
        let stage = try RtpmididStage()
        let polite = try stage.join("Polite")
        try stage.drive.leave(polite.id)
        try stage.run(until: "the goodbye in the log") { stage.engine.leavings[Int(polite.port.address.port)] != nil }
        stage.engine.vanished(polite.port)
        try stage.run(until: "the end") { stage.engine.leaving.isEmpty }
        #expect(try stage.texts(.left, .lost) == ["Polite left (room Main)"])
    }

    @Test func `who is kicked is not lost, though the log tells it like that`() throws {
        let stage = try RtpmididStage()
        let piano = try stage.join("Piano")
        try stage.run(until: "it is known to `status`") { stage.engine.attendance[piano.port]?.node != nil }
        let visit = try #require(stage.engine.participants.first?.id)
        var isDone = false
        #expect(stage.engine.perform(.kick, on: visit) { failure in isDone = failure == nil })
        try stage.run(until: "it to be out of the daemon") { isDone && (try? stage.drive.counts()["nodes"]) == 1 }
        stage.engine.vanished(piano.port)
        try stage.run(until: "the end") { stage.engine.leaving.isEmpty }
        #expect(try stage.texts(.left, .lost) == ["Piano was sent away (room Main)"])
    }

    @Test func `who only measures is neither shown nor on record`() throws {
        let stage = try RtpmididStage()
        let probe = try stage.join("midihub ping", as: .probe)
        #expect(stage.engine.participants.isEmpty)
        try stage.drive.leave(probe.id)
        stage.engine.vanished(probe.port)
        #expect(stage.engine.leaving.isEmpty)
        #expect(try stage.texts(.joined, .left, .lost).isEmpty)
    }

    @Test func `one who invites again is the same participant, with a further port that is not shown as one`() throws {
        let stage = try RtpmididStage()
        let again = try stage.join("Again")
        try stage.drive.inviteAgain(again.id)
        stage.appear(stage.newestPort, Array("Again".utf8), as: .waiting)
        try stage.run(until: "the judgement") { stage.engine.participants.contains { $0.state == .duplicate } }
        #expect(stage.engine.participants.map(\.state).filter { $0 == .present }.count == 1)
        #expect(
            try stage.texts(.duplicate) == ["Again invited again while connected; its further port is not connected"])
    }

    @Test func `when the daemon ends everybody has left with it`() throws {
        let stage = try RtpmididStage()
        for name in ["A", "B"] { _ = try stage.join(name) }
        #expect(throws: Never.self) { try stage.drive.crash("segv") }
        try stage.run(until: "its end") { stage.engine.attendance.present.isEmpty }
        #expect(
            try stage.texts(.left).sorted() == [
                "A left: the engine ended (room Main)", "B left: the engine ended (room Main)",
            ])
        stage.engine.process.stop()
    }
}
