import EngineProtocol
import MIDI
import RTPMIDI
import Rooms
import TestSupport
import Testing

@testable import Engine

/// Sessions with two hubs of which nobody can see that they are of one participant.
struct PairingTests {
    private let on = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)
    private let off = Message.noteOff(Channel(truncating: 0), note: 60, velocity: 64)

    private func seat(_ player: TestPlayer) -> Pairing.Seat {
        .init(name: player.name, host: "127.0.0.1", ssrc: player.ssrc.rawValue)
    }
    private func pair(_ pairings: [Pairing], in plan: inout EnginePlan, _ count: UInt64 = 1) {
        plan.rooms[0].choices = RoomChoices(
            stamp: .init(epoch: 1, count: count, spoke: true, author: 1), pairings: pairings.isEmpty ? nil : pairings)
    }

    @Test func `two of different names that a person has paired are heard once, until they are parted`() throws {
        let pair = try PairUnderTest()
        try pair.agree()
        let (one, other) = (
            try TestPlayer("Piano", port: pair.ports.main), try TestPlayer("Pianoforte", port: pair.ports.backup)
        )
        let desk = try DoublePlayer("Desk", [pair.ports.main, pair.ports.backup])
        let all = [one, other] + desk.sessions
        func paired(_ count: Int) throws -> Bool {
            try [pair.main, pair.backup].allSatisfy { try $0.status().failover?.paired?.count == count }
        }
        try pumping(all, "everybody is known", seen: pair.seen) {
            try paired(1) && pair.main.status().failover?.elsewhere?.count == 1
        }
        // Told to one hub, it counts at both.
        try pair.serve(atMain: false) { self.pair([Pairing(main: seat(one), backup: seat(other))], in: &$0) }
        try pumping(all, "a pair", seen: pair.seen) { try paired(2) }
        for message in [on, off] { for player in [one, other] { player.play(message) } }
        try pumping(all, "the note", seen: "\(desk.heard)") { desk.heard[0].last == off }
        #expect(desk.heard == [[on, off], []])
        try pair.serve(atMain: false) { self.pair([], in: &$0, 2) }
        try pumping(all, "none", seen: pair.seen) { try paired(1) }
    }

    @Test func `those that may be any of several are told, and a person decides by their numbers`() throws {
        let pair = try PairUnderTest()
        try pair.agree()
        let here = try (0..<2).map { _ in try TestPlayer("Twin", port: pair.ports.main) }
        let there = try (0..<2).map { _ in try TestPlayer("Twin", port: pair.ports.backup) }
        func told(_ read: (EngineStatus.Failover) -> Int?) throws -> [Int?] {
            try [pair.main, pair.backup].map { try $0.status().failover.flatMap(read) }
        }
        try pumping(here + there, "both say so", seen: pair.seen) { try told(\.ambiguous?.count) == [2, 2] }
        #expect(try told(\.paired?.count) == [0, 0])
        try pair.serve(atMain: true) {
            self.pair(zip(here, there).map { Pairing(main: seat($0), backup: seat($1)) }, in: &$0)
        }
        try pumping(here + there, "both are pairs", seen: pair.seen) { try told(\.paired?.count) == [2, 2] }
        #expect(try told(\.ambiguous?.count) == [nil, nil])
    }

    @Test func `a place is by name and address, and by the SSRC among several`() {
        let seats = [("A", 1), ("A", 2), ("B", 3)].map { Pairing.Seat(name: $0, host: "h", ssrc: UInt32($1)) }
        func places(_ own: Pairing.Seat, _ other: Pairing.Seat) -> [[Int]] {
            Pairing.places(of: [Pairing(main: own, backup: other)], atMain: true, here: seats, there: seats)
                .map { [$0.here, $0.there] }
        }
        #expect(places(seats[0], seats[1]) == [[0, 1]])
        // It has begun anew, and is the only one of that name.
        #expect(places(seats[0], .init(name: "B", host: "h", ssrc: 9)) == [[0, 2]])
        #expect(places(.init(name: "A", host: "h", ssrc: 9), seats[2]) == [])
        #expect(places(.init(name: "C", host: "h", ssrc: 1), seats[2]) == [])
        #expect(places(.init(name: "A", host: "g", ssrc: 1), seats[2]) == [])
    }
}
