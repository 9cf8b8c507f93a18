import MIDI
import PatchBay
import Rooms
import Testing

extension OnTheSequencer {
    /// A new configuration, as far as it touches those who are there.
    @Suite struct Reloads {
        @Test func `a room with another name keeps its players, their wires and their notes`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            stage.play(on(60), players[0])
            try stage.until("it is heard") { stage.heard(players[1]) == [on(60)] }
            let ids = try players.map(stage.id)
            stage.configure([RoomPlan(name: "renamed", policy: .all)], [stage.spec("renamed", 1)])
            try stage.until("it is told") { players.allSatisfy { stage.appearance($0)?.room == "renamed" } }
            try stage.settle()
            #expect(try players.map(stage.id) == ids)
            #expect(stage.kernelWires(players).count == 2)
            #expect(stage.heard(players[1]) == [on(60)] && stage.releases.isEmpty && stage.problems.isEmpty)
            #expect(!stage.news.contains { if case .vanished = $0 { true } else { false } })
            // It still knows what is held.
            try stage.leave(players[0])
            try stage.until("it is released") { stage.heard(players[1]) == [on(60), off(60)] }
        }

        @Test func `a port that gets a room of its own is released there, and its room goes on`() throws {
            let stage = try Stage()
            let second = try SecondEngine()
            let players = try stage.players("A", "B")
            let all = players + [second.port]
            stage.configure([RoomPlan(name: "room", policy: .all)], [stage.spec("room", 0), second.spec("room", 1)])
            try stage.until("all are wired") { stage.kernelWires(all).count == 6 }
            stage.play(on(60), players[0])
            try stage.until("it is heard") { stage.heard(players[1]) == [on(60)] }
            try stage.until("all are known") { stage.appearance(second.port) != nil }
            let ids = try all.map(stage.id)
            stage.configure(
                [RoomPlan(name: "room", policy: .all), RoomPlan(name: "other", policy: .all)],
                [stage.spec("room", 0), second.spec("other", 0)])
            try stage.until("it is released there") { stage.releases.map(\.hearers) == [[second.port]] }
            try stage.until("the wires between them are gone") { stage.kernelWires(all).count == 2 }
            try stage.settle()
            #expect(stage.heard(players[1]) == [on(60)])
            #expect(try all.map(stage.id) == ids)
        }

        @Test func `a pair that is turned round releases what passed it, and everybody stays`() throws {
            let stage = try Stage()
            let second = try SecondEngine()
            let player = try stage.players("A")[0]
            let room = [RoomPlan(name: "room", policy: .pair)]
            stage.configure(room, [stage.spec("room", 0), second.spec("room", 1)])
            try stage.until("one hears the other") {
                stage.kernelWires([player, second.port]) == [[player, second.port]]
            }
            try stage.until("both are known") { stage.appearance(second.port) != nil }
            let ids = try [player, second.port].map(stage.id)
            stage.play(on(60), player)
            stage.configure(room, [stage.spec("room", 1), second.spec("room", 0)])
            try stage.until("the other hears the one") {
                stage.kernelWires([player, second.port]) == [[second.port, player]]
            }
            try stage.until("it is released") { stage.releases.map(\.hearers) == [[second.port]] }
            #expect(try [player, second.port].map(stage.id) == ids)
            try stage.until("its direction is told") { stage.appearance(player)?.direction == .receives }
        }

        @Test func `an engine that is let go is released both ways before it says goodbye`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            stage.play(on(60), players[0])
            stage.play(on(61), players[1])
            try stage.until("both are heard") { stage.heard(players[0]) + stage.heard(players[1]) == [on(61), on(60)] }
            stage.configure([RoomPlan(name: "room", policy: .all)], [])
            try stage.awaitReleases()
            #expect(stage.heard(players[0]) == [on(61), off(61)] && stage.heard(players[1]) == [on(60), off(60)])
            #expect(stage.kernelWires(players).isEmpty)
        }

        @Test func `those who stay are released at a port that is closed`() throws {
            let stage = try Stage()
            let second = try SecondEngine()
            let players = try stage.players("A", "B")
            let all = players + [second.port]
            let room = [RoomPlan(name: "room", policy: .all)]
            stage.configure(room, [stage.spec("room", 0), second.spec("room", 1)])
            try stage.until("all are wired") { stage.kernelWires(all).count == 6 }
            stage.play(on(60), players[0])
            try stage.until("it is heard") { stage.heard(players[1]) == [on(60)] }
            let ids = try players.map(stage.id)
            stage.configure(room, [stage.spec("room", 0)])
            try stage.until("it has gone") { stage.appearance(second.port) == nil }
            try stage.until("it has heard the end") { second.heard() == [on(60), off(60)] }
            #expect(stage.heard(players[1]) == [on(60)], "nothing is cut where it is still held")
            #expect(try players.map(stage.id) == ids)
        }
    }
}

extension Stage {
    func configure(_ rooms: [RoomPlan], _ engines: [EngineSpec]) {
        bay.send(.configure(rooms: rooms, engines: engines))
    }

    func spec(_ room: String, _ index: Int) -> EngineSpec {
        EngineSpec(name: "5004", pid: pid, room: room, portIndex: index, servicePorts: [])
    }
}

extension SecondEngine {
    func spec(_ room: String, _ index: Int) -> EngineSpec {
        EngineSpec(name: "5006", pid: pid, room: room, portIndex: index, servicePorts: [])
    }
}
