import EngineProtocol
import Hub
import Testing

@testable import CommandLine

/// `midihub failover drill`.
@Suite struct DrillCommandTests {
    private func options(_ words: String...) throws -> Options {
        let command = try #require(Subcommand.named("failover"))
        return try Options(words, allowed: command.options, operands: true)
    }

    @Test func `which hub is muted is named with seconds or without`() throws {
        #expect(try options("drill", "--mute", "here:12").mute == .init(hub: "here", seconds: 12))
        #expect(try options("drill", "--mute", "Hall").mute == .init(hub: "Hall", seconds: 5))
        #expect(try options("drill", "--mute", "Hall: left").mute == .init(hub: "Hall: left", seconds: 5))
        #expect(try options("drill", "--kill", "partner").kill == "partner")
        for wrong in ["here:0", "here:31"] {
            #expect(throws: Options.Misuse.self) { try options("drill", "--mute", wrong) }
        }
    }

    @Test func `a report has a line for each who hears, and "-" for what was not measured`() {
        var desk = DrillReport.Hearer(name: "Desk", room: "Hall", kind: .paired)
        (desk.events, desk.lost, desk.doubled, desk.late, desk.held, desk.again) = (120, 0, 0, 1.2, 2, 3)
        var join = DrillReport.Hearer(name: "Join", room: "Hall", kind: .numbered)
        join.remark = "it has not told what it lost"
        var report = DrillReport(DrillPlan(id: 1, kind: .handover), ended: 0, trouble: nil, hearers: [desk, join])
        report.text = "Handed over and back."
        let lines = DrillCommand.lines(report)
        #expect(lines[0].hasSuffix("Handed over and back."))
        #expect(
            lines[2].split(separator: " ") == ["Desk", "Hall", "one", "hub", "120", "0", "0", "0", "1.2", "ms", "2"])
        #expect(lines[3] == "    values and ends of notes that were sent once more to be sure: 3")
        #expect(lines[4].split(separator: " ") == ["Join", "Hall", "both", "hubs", "-", "-", "-", "-", "-", "-"])
        #expect(lines[5] == "    not measured: it has not told what it lost")
    }
}
