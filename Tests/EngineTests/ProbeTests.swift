import EngineProtocol
import MIDI
import RTPMIDI
import Rooms
import TestSupport
import Testing

@testable import Engine

/// Sessions under the reserved name.
@Suite struct ProbeTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)

    @Test func `who only measures is answered, and is nobody's business`() throws {
        let engine = try EngineUnderTest(maximum: 1)
        let piano = try engine.player("Piano")
        // The room is full, which is nothing to one who does not want in.
        let probe = try engine.player(Probe.name, others: [piano])
        try pumping([piano, probe], "a round trip") { probe.session.clock.count > 0 }
        for _ in 0..<10 { probe.play(note) }
        piano.play(note)
        // Behind the other's notes, by its own way.
        try pumping([piano, probe], "the engine to have heard the note") {
            (try? engine.status().participants.first?.messages) == 1
        }
        let status = try engine.status()
        #expect(status.participants.map(\.name) == ["Piano"])
        #expect(piano.heard.isEmpty && probe.heard.isEmpty)
        probe.leave()
        let again = try engine.player(Probe.name, others: [piano])
        #expect(again.isUp)
        for news in engine.all { #expect(!"\(news)".contains(Probe.name)) }
    }

    @Test func `only so many measure at once, and a refusal of one is no news`() throws {
        let engine = try EngineUnderTest()
        var probes: [TestPlayer] = []
        for _ in 0..<32 { probes.append(try engine.player(Probe.name, others: probes)) }
        let late = try TestPlayer(Probe.name, port: engine.port)
        try pumping(probes + [late], "a refusal") { late.refusals > 0 }
        let piano = try engine.player("Piano", others: probes)
        #expect(piano.isUp, "players are let in all the same")
        probes.removeFirst().leave()
        let next = try engine.player(Probe.name, others: probes)
        #expect(next.isUp)
        for news in engine.all { #expect(!"\(news)".contains(Probe.name)) }
    }

    @Test func `what is held and set is told of those who do`() throws {
        let engine = try EngineUnderTest()
        let piano = try engine.player("Piano")
        let drums = try engine.player("Drums", others: [piano])
        piano.play(note, .controlChange(Channel(truncating: 0), controller: 64, value: 127))
        try pumping([piano, drums], "the notes") { drums.heard.count == 2 }
        let told = try engine.sounding()
        #expect(told.count == 1)
        #expect(told.values.first?.notes == [.init(channel: 1, note: 60)])
        #expect(told.values.first?.controls == [.init(channel: 1, what: .controller, number: 64, value: 127)])
    }
}
