import Foundation
import TestSupport
import Testing

/// What an operator orders through the API, on rtpmidid.
@Suite(.enabled(if: sequencerIsThere, "needs an ALSA sequencer: run it in the virtual machine"), .serialized)
struct OrderTests {
    private func id(_ name: String, at hub: HubUnderTest) throws -> Int {
        try #require(try hub.participants().first { $0["name"] as? String == name }?["id"] as? Int)
    }

    @Test func `who is kicked hears and is heard no more, and what it held ends`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("Stuck", "Listener", "Other")
        try players[0].send([0x90, 60, 100])
        #expect(try players[1].hears(1) == [[0x90, 60, 100]])
        let stuck = try id("Stuck", at: hub)
        // The daemon's next status tells which of its connections is whose.
        try eventually("the order to be taken") {
            try hub.post("/api/v1/participants/\(stuck)/kick").status == 200
        }
        #expect(try players[1].hears(1) == [[0x80, 60, 64]])
        try hub.awaitWires([["Listener", "Other"], ["Other", "Listener"]])
        try hub.awaitEvent("kick", containing: "Stuck", "by somebody with the token", "until it is disconnected there")
        try eventually("it to be gone") { try hub.post("/api/v1/participants/\(stuck)/kick").status == 404 }
        try players[1].send([0x91, 40, 1])
        #expect(try players[2].hears(3).last == [0x91, 40, 1])
        #expect(try players[0].received().isEmpty)
    }

    @Test func `note-offs go to one participant, and a panic of every note to its room`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("Piano", "Drums")
        let drums = try id("Drums", at: hub)
        #expect(try hub.post("/api/v1/participants/\(drums)/notes-off?from=60&to=61").status == 200)
        let offs = try players[1].hears(32)
        #expect(Set(offs) == Set((UInt8(0)..<16).flatMap { [[0x80 | $0, 60, 64], [0x80 | $0, 61, 64]] }))
        #expect(try players[0].received().isEmpty)
        #expect(try hub.post("/api/v1/panic?all=1").status == 200)
        var heard: [[[UInt8]]] = [[], []]
        // Read as they come: unread events would overflow.
        try eventually(within: .seconds(120), "everything", seen: "\(heard.map(\.count))") {
            for (index, player) in players.enumerated() { heard[index] += try player.received() }
            return heard.allSatisfy { $0.count >= 16 * (128 + 3) }
        }
        for heard in heard.map(Set.init) {
            for channel in UInt8(0)..<16 {
                for note in UInt8(0)..<128 { #expect(heard.contains([0x80 | channel, note, 64])) }
                #expect(heard.contains([0xB0 | channel, 120, 0]))
            }
        }
    }

    @Test func `a block ends what sounds, holds over a restart and is lifted`() throws {
        let hub = try HubUnderTest()
        try hub.start()
        let players = try hub.joined("Piano", "Drums")
        let blocks = "/api/v1/rooms/\(hub.ports[0])/blocks?from=Piano&to=Drums"
        try players[0].send([0x90, 60, 100])
        #expect(try players[1].hears(1) == [[0x90, 60, 100]])
        #expect(try hub.post(blocks).status == 200)
        #expect(try players[1].hears(1) == [[0x80, 60, 64]])
        try hub.awaitWires([["Drums", "Piano"]])
        #expect(try hub.list("/api/v1/wires", "cells").map { $0["reason"] as? String } == ["blocked"])

        // The daemon stays; the next hub knows the block.
        try hub.kill9()
        try hub.start()
        try hub.awaitWires([["Drums", "Piano"]])
        try players[0].send([0x90, 62, 100])
        try players[1].send([0x91, 40, 1])
        #expect(try players[0].hears(1) == [[0x91, 40, 1]])
        #expect(try players[1].received().isEmpty)

        #expect(try hub.delete(blocks).status == 200)
        try hub.awaitMesh(players)
        try players[0].send([0x90, 64, 100])
        #expect(try players[1].hears(1) == [[0x90, 64, 100]])
    }
}
