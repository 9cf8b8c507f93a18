import MIDI
import PatchBay
import Rooms
import Sequencer
import Testing

extension OnTheSequencer {
    @Suite struct Wiring {
        @Test(arguments: Policy.allCases)
        func `those who join are wired as the policy says`(policy: Policy) throws {
            let stage = try Stage(policy: policy)
            let names = ["Piano", "Bass in", "Flute out", "Violin"]
            let players = try names.map { try stage.join($0) }
            let members = zip(players, names).map {
                Member(id: PortID(address: $0, generation: 0).member, name: $1, portIndex: 0)
            }
            let wanted = Set(
                wantedWires(policy: policy, members: members, blocks: []).map {
                    [PortID($0.from).address, PortID($0.to).address]
                })
            try stage.until("all are present") { players.allSatisfy { stage.appearance($0) != nil } }
            try stage.settle()
            try stage.until("the wires are there") { stage.kernelWires(players) == wanted }
            try stage.until("the wires are told") {
                Set(stage.wires.map { [$0.from.address, $0.to.address] }) == wanted
            }
            #expect(stage.wires.allSatisfy { $0.isOurs })
            #expect(stage.problems.isEmpty)
        }

        @Test func `a pair room joins its first port's engine to its second's`() throws {
            let stage = try Stage(policy: .pair)
            let senders = try stage.players("A", "B")
            // A second engine: a child process would do, a second thread's client does too.
            let second = try SecondEngine()
            stage.bay.send(
                .configure(
                    rooms: [RoomPlan(name: "room", policy: .pair)],
                    engines: [
                        EngineSpec(name: "5004", pid: stage.pid, room: "room", portIndex: 0, servicePorts: []),
                        EngineSpec(name: "5006", pid: second.pid, room: "room", portIndex: 1, servicePorts: []),
                    ]))
            let all = senders + [second.port]
            try stage.until("both are wired to the third") {
                stage.kernelWires(all) == [[senders[0], second.port], [senders[1], second.port]]
            }
        }

        @Test func `a note comes to each other one once, and never back`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B", "C")
            try stage.until("all are wired") { stage.kernelWires(players).count == 6 }
            for (index, player) in players.enumerated() {
                stage.forgetHeard()
                let note = DataByte(truncating: UInt8(60 + index))
                stage.play(on(note), player)
                stage.play(off(note), player)
                // Delivery is in order: when the program changes have come, so has everything before them.
                for other in players { stage.play(.programChange(one, program: 1), other) }
                try stage.until("everything has come") {
                    players.allSatisfy { stage.heard($0).count { $0 == .programChange(one, program: 1) } == 2 }
                }
                for other in players {
                    let notes = stage.heard(other).filter { $0 != .programChange(one, program: 1) }
                    #expect(notes == (other == player ? [] : [on(note), off(note)]))
                }
            }
        }

        @Test func `who is no participant is left alone`() throws {
            let stage = try Stage(servicePorts: [0])
            _ = try stage.join("service")
            _ = try stage.join("read only", [.read, .subscribeRead])
            _ = try stage.join("not subscribable", [.read, .write])
            _ = try stage.join("hidden", [.read, .write, .subscribeRead, .subscribeWrite, .noExport])
            let players = try stage.players("A", "B")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            #expect(Set(stage.present.map(\.name)) == ["A", "B"])
            let others = (0..<4).map { Address(client: players[0].client, port: $0) }
            #expect(stage.kernelWires(others + players) == stage.kernelWires(players))
        }

        @Test func `another program's ports are nobody's, until its process is an engine`() throws {
            let stage = try Stage(configured: false)
            stage.configure(.all, pid: 1)
            let players = [try stage.join("A"), try stage.join("B")]
            try stage.settle()
            #expect(stage.present.isEmpty && stage.kernelWires(players).isEmpty)
            stage.configure(.all)
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            stage.configure(.all, pid: 1)
            try stage.until("both are let go") { stage.present.isEmpty && stage.kernelWires(players).isEmpty }
        }

        @Test func `a new policy and a block change wires that are there`() throws {
            let stage = try Stage()
            let players = try stage.players("A out", "B in", "C")
            try stage.until("all to all") { stage.kernelWires(players).count == 6 }
            stage.configure(.named)
            try stage.until("sender to receiver") { stage.kernelWires(players) == [[players[0], players[1]]] }
            stage.configure(.all)
            try stage.until("all to all again") { stage.kernelWires(players).count == 6 }
            stage.configure(.all, blocks: [Block(from: "C", to: nil)])
            try stage.until("C is muted") {
                stage.kernelWires(players).count == 4 && stage.kernelWires(players).allSatisfy { $0[0] != players[2] }
            }
            stage.configure(.all)
            try stage.until("and unmuted") { stage.kernelWires(players).count == 6 }
        }

        @Test func `twins wait for a mark, and a duplicate is not wired`() throws {
            let stage = try Stage(tuning: patient)
            let players = try stage.players("A", "B", "A")
            #expect(stage.present.map(\.standing) == [.participant, .participant, .waiting])
            try stage.until("the first two are wired") { stage.kernelWires(players).count == 2 }
            stage.bay.send(.mark(try stage.id(players[2]), .duplicate))
            try stage.settle()
            #expect(stage.kernelWires(players).count == 2)
            stage.bay.send(.mark(try stage.id(players[2]), .participant))
            try stage.until("now it is") { stage.kernelWires(players).count == 6 }
            stage.bay.send(.mark(try stage.id(players[0]), .ghost))
            try stage.until("the ghost is not") { stage.kernelWires(players).count == 2 }
            // A mark for somebody who left does not meet the successor.
            let old = try stage.id(players[2])
            try stage.leave(players[2])
            try stage.until("it is gone") { stage.appearance(players[2]) == nil }
            let next = try stage.players("D")[0]
            #expect(next == players[2])
            stage.bay.send(.mark(old, .ghost))
            try stage.until("D and B are wired") { stage.kernelWires(players).count == 2 }
        }

        @Test func `a twin without a mark is wired in the end`() throws {
            var tuning = Tuning()
            tuning.twinTimeout = .milliseconds(50)
            let stage = try Stage(tuning: tuning)
            let players = try stage.players("A", "A")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
        }

        @Test func `with confirmation first everybody waits for ever`() throws {
            var tuning = Tuning()
            tuning.twinTimeout = .milliseconds(1)
            tuning.reconcile = .milliseconds(10)
            let stage = try Stage(tuning: tuning, confirmFirst: true)
            let players = try stage.players("A", "B", "A")
            #expect(stage.present.allSatisfy { $0.standing == .waiting })
            for player in players.prefix(2) { stage.bay.send(.mark(try stage.id(player), .participant)) }
            try stage.until("the confirmed are wired") { stage.kernelWires(players).count == 2 }
            #expect(stage.engine.hearers(of: players[2]).isEmpty)
        }

        @Test func `odd names are names`() throws {
            let stage = try Stage()
            let cut = String(repeating: "x", count: 62) + "é"
            let names = [
                "it's \"quoted\"", "two\nlines", "\u{1B}[31mred{}", cut, "", "Zoë in",
                String(repeating: "y", count: 200),
            ]
            let players = try names.map { try stage.join($0) }
            try stage.until("all are present") { players.allSatisfy { stage.appearance($0) != nil } }
            try stage.until("all are wired") { stage.kernelWires(players).count == 7 * 6 }
            for (player, name) in zip(players, names) where !name.isEmpty {
                #expect(try #require(stage.appearance(player)).nameBytes == Array(name.utf8.prefix(63)))
            }
            #expect(stage.appearance(players[3])?.name == String(repeating: "x", count: 62) + "\u{FFFD}")
            #expect(stage.appearance(players[4])?.name == "port-\(players[4].port)")
        }

        @Test func `two hundred ports in a named room are wired`() throws {
            let stage = try Stage(policy: .named)
            let senders = try (0..<100).map { try stage.join("s\($0) out") }
            let hearers = try (0..<100).map { try stage.join("h\($0) in") }
            try stage.until("all are wired", seconds: 240) { stage.wires.count == 100 * 100 }
            for sender in senders { #expect(stage.engine.hearers(of: sender).isSuperset(of: hearers)) }
            for hearer in hearers { #expect(stage.engine.hearers(of: hearer).count == 1, "the tap alone") }
            try stage.closeEngine()
            try stage.until("all are gone", seconds: 240) { stage.present.isEmpty && stage.wires.isEmpty }
        }

        @Test func `the sixty-fifth of a mesh is refused in words`() throws {
            let stage = try Stage()
            let players = try (0..<66).map { try stage.join("p\($0)") }
            try stage.until("a mesh of 64 is wired", seconds: 240) { stage.wires.count == 64 * 63 }
            #expect(stage.problems.count == 2 && stage.problems.allSatisfy { $0.contains("the room is full") })
            try stage.leave(players[3])
            try stage.until("the sixty-fifth has found room", seconds: 240) {
                stage.kernelWires([players[64], players[0]]).count == 2
            }
            #expect(stage.kernelWires([players[65], players[0]]).isEmpty)
        }
    }
}

/// Twins wait until they are marked.
private let patient: Tuning = {
    var tuning = Tuning()
    tuning.twinTimeout = .seconds(600)
    return tuning
}()
