import Glibc
import Linux
import TestSupport
import Testing

/// The hub's listening loses no messages: what passes without a hub also passes with one that is stopped, hung or
/// killed.
@Suite(.enabled(if: sequencerIsThere, "needs an ALSA sequencer: run it in the virtual machine"), .serialized)
struct ListenerTests {
    @Test func `all that passes without a hub passes with one`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("A", "B", "C")
        let exclusive: [UInt8] = [0xF0] + (0..<600).map { UInt8($0 % 128) } + [0xF7]
        for message: [UInt8] in [[0xF8], [0xFA], [0xFB], [0xFC], [0xF1, 10], [0xFE], exclusive, [0xD0, 3]] {
            try players[0].send(message)
            for hearer in players[1...] { #expect(try hearer.hears(1) == [message]) }
        }
        // In one packet: what is refused takes with it what came just before.
        try players[0].send([0x90, 60, 100, 0xF8, 0x80, 60, 64, 0xFE])
        for hearer in players[1...] {
            #expect(try hearer.hears(4) == [[0x90, 60, 100], [0xF8], [0x80, 60, 64], [0xFE]])
        }
    }

    @Test func `a hub that is stopped costs not one event, and knows afterwards what is held`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("A", "B")
        let pid = try hub.pid()
        let listener = try #require(self.listener(of: pid))
        kill(pid, SIGSTOP)
        for _ in 0..<130 { try passTwenty(players) }
        try players[0].send([0x90, 72, 100])
        #expect(try players[1].hears(1) == [[0x90, 72, 100]])
        kill(pid, SIGCONT)
        try eventually("the note is known", seen: (try? hub.get("/api/v1/sounding").text) ?? "nothing") {
            let sounding = try hub.list("/api/v1/sounding", "sounding")
            return sounding.count == 1 && sounding[0]["notes"] as? [[String: Int]] == [["channel": 1, "note": 72]]
        }
        #expect(self.listener(of: pid) == listener, "it was well all the time")
    }

    @Test func `a listener that is stopped is replaced before it costs an event`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("A", "B")
        let pid = try hub.pid()
        let old = try #require(self.listener(of: pid))
        kill(old, SIGSTOP)
        try eventually("another") {
            try passTwenty(players)
            return listener(of: pid).map { $0 != old } ?? false
        }
        // More than the kernel keeps for one that reads nothing.
        for _ in 0..<110 { try passTwenty(players) }
    }

    @Test func `a hub that is killed takes nothing with it`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("A", "B")
        let pid = try hub.pid()
        let listener = try #require(self.listener(of: pid).flatMap { ProcessIdentity(of: $0) })
        try passTwenty(players)
        kill(pid, SIGKILL)
        try eventually("the listener's end") {
            try passTwenty(players)
            return !listener.isRunning
        }
        for _ in 0..<5 { try passTwenty(players) }
    }

    /// Twenty events from the first to the second, who hears them all: so never more than is heard.
    private func passTwenty(_ players: [any Player]) throws {
        let events = (0..<10).flatMap { _ -> [[UInt8]] in [[0x91, 60, 100], [0x81, 60, 64]] }
        try players[0].send(events.flatMap(\.self))
        #expect(try players[1].hears(20) == events)
    }

    private func listener(of hub: Int32) -> Int32? {
        ProcessIdentity.withArguments(["listener"]).first { pid in
            let fields = text(of: "/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
            return fields.count > 1 && fields[0] != "Z" && Int32(fields[1]) == hub
        }
    }
}
