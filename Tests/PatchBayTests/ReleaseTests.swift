import MIDI
import PatchBay
import Rooms
import Sequencer
import Synchronization
import Testing

extension OnTheSequencer {
    @Suite struct Releases {
        @Test func `what somebody held when leaving is released at those who heard it`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B", "C")
            try stage.until("all are wired") { stage.kernelWires(players).count == 6 }
            for message in [on(60), on(62), off(62), pedal(127), .pitchBend(one, Bend(truncating: 0))] {
                stage.play(message, players[0])
            }
            try stage.until("the last has come") {
                stage.heard(players[2]).contains(.pitchBend(one, Bend(truncating: 0)))
            }
            stage.forgetHeard()
            let id = try stage.id(players[0])
            try stage.leave(players[0])
            try stage.until("the release is told") { !stage.releases.isEmpty }
            try stage.until("all is released", seen: "\(stage.heard(players[1])) and \(stage.heard(players[2]))") {
                stage.heard(players[1]).count == 3 && stage.heard(players[2]).count == 3
            }
            #expect(stage.heard(players[1]) == [off(60), pedal(0), .pitchBend(one, .centre)])
            #expect(stage.releases.map(\.port) == [id] && stage.releases.map(\.notes) == [1])
            #expect(Set(stage.releases[0].hearers) == [players[1], players[2]])
            #expect(stage.releases[0].name == "A")
        }

        @Test func `a whole engine's end releases at those of another engine`() throws {
            let stage = try Stage()
            let second = try SecondEngine()
            let listener = try SequencerHandle(name: "listener")
            _ = listener
            let players = try stage.players("A")
            stage.bay.send(
                .configure(
                    rooms: [RoomPlan(name: "room", policy: .all)],
                    engines: [
                        EngineSpec(name: "5004", pid: stage.pid, room: "room", portIndex: 0, servicePorts: []),
                        EngineSpec(name: "5006", pid: second.pid, room: "room", portIndex: 1, servicePorts: []),
                    ]))
            try stage.until("both are wired") { stage.kernelWires(players + [second.port]).count == 2 }
            stage.play(on(60), players[0])
            try stage.closeEngine()
            try stage.until("it is released") { stage.releases.map(\.hearers) == [[second.port]] }
        }

        @Test func `a note that another still holds is left to sound`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B", "C")
            try stage.until("all are wired") { stage.kernelWires(players).count == 6 }
            stage.play(on(60), players[0])
            stage.play(on(61), players[0])
            stage.play(on(60), players[1])
            stage.forgetHeard()
            try stage.leave(players[0])
            try stage.until("61 is released") {
                stage.heard(players[1]).contains(off(61)) && stage.heard(players[2]).contains(off(61))
            }
            // B does not hear itself: what it holds does not sound at B.
            try stage.until("60 is released at B") { stage.heard(players[1]).contains(off(60)) }
            try stage.settle()
            #expect(!stage.heard(players[2]).contains(off(60)))
            try stage.leave(players[1])
            try stage.until("60 is released at C") { stage.heard(players[2]).contains(off(60)) }
        }

        @Test func `a wire that goes by a block releases what passed it`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B", "C")
            try stage.until("all are wired") { stage.kernelWires(players).count == 6 }
            stage.play(on(60), players[0])
            stage.configure(.all, blocks: [Block(from: "A", to: "B")])
            try stage.until("it is released at B") { stage.heard(players[1]).contains(off(60)) }
            try stage.settle()
            #expect(!stage.heard(players[2]).contains(off(60)))
        }

        @Test func `a duplicate found out is released and unwired`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            stage.play(on(60), players[0])
            stage.bay.send(.mark(try stage.id(players[0]), .duplicate))
            try stage.until("it is released") { stage.heard(players[1]).contains(off(60)) }
            try stage.until("and unwired") { stage.kernelWires(players).isEmpty }
        }

        @Test func `foreign listeners get releases too`() throws {
            let stage = try Stage()
            let players = try stage.players("A")
            let synth = try SequencerHandle(name: "synth")
            // This thread owns it, as it owns the engine; a port that cannot be read from is still no participant.
            let port = try synth.createPort(name: [], [.write, .subscribeWrite])
            _ = synth.subscribe(from: players[0], to: port)
            stage.configure(.all)
            try stage.settle()
            try stage.until("it was looked for") { stage.engine.hearers(of: players[0]).count == 2 }
            stage.play(on(60), players[0])
            try stage.leave(players[0])
            var heard: [Message] = []
            try stage.until("it is released") {
                while case .input(let input) = synth.receive() {
                    if case .midi(_, _, let message?) = input { heard.append(message) }
                }
                return heard == [on(60), off(60)]
            }
        }

        @Test func `panic ends what sounds, at everyone, and then everything`() throws {
            let stage = try Stage()
            let players = try (0..<16).map { try stage.join("p\($0)") }
            try stage.until("all are wired") { stage.wires.count == 16 * 15 }
            stage.play(on(60), players[0])
            stage.play(on(61, Channel(truncating: 5)), players[1])
            stage.forgetHeard()
            let answer = Mutex<[Silenced]>([])
            stage.bay.send(.panic(room: "room") { silenced in answer.withLock { $0.append(silenced) } })
            try stage.until("it is answered") { answer.withLock { $0.count } == 1 }
            #expect(answer.withLock { $0 } == [Silenced(ports: 16, notes: 2)])
            for player in players {
                let heard = stage.heard(player)
                #expect(heard.count == 2 + 16 * 3)
                #expect(Set(heard.prefix(2)) == [off(60), off(61, Channel(truncating: 5))])
                for channel in Channel.all {
                    #expect(
                        heard.dropFirst(2).filter { $0.channel == channel }
                            == [64, 123, 120].map { .controlChange(channel, controller: $0, value: 0) })
                }
            }
        }

        @Test func `a panic somewhere else, or where nobody is, is answered at once`() throws {
            let stage = try Stage()
            let answer = Mutex<[Silenced]>([])
            for room in ["room", "elsewhere", nil] {
                stage.bay.send(.panic(room: room) { silenced in answer.withLock { $0.append(silenced) } })
            }
            try stage.until("all are answered") { answer.withLock { $0.count } == 3 }
            #expect(answer.withLock { $0 }.allSatisfy { $0 == Silenced(ports: 0, notes: 0) })
        }

        @Test func `note-offs by order reach one port on all channels, but for what another holds`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            stage.play(on(61), players[1])
            stage.forgetHeard()
            stage.bay.send(.notesOff(try stage.id(players[0]), 60...62))
            try stage.until("they have come") { stage.heard(players[0]).count == 16 * 3 - 1 }
            #expect(!stage.heard(players[0]).contains(off(61)))
            #expect(stage.heard(players[1]).isEmpty)
        }

        @Test func `by order, what one is thought to hold is ended at those who hear it, but for what another holds`()
            throws
        {
            let stage = try Stage()
            let players = try stage.players("A", "B", "C")
            try stage.until("all are wired") { stage.kernelWires(players).count == 6 }
            for message in [on(60), on(61), pedal(127)] { stage.play(message, players[0]) }
            stage.play(on(61), players[1])
            try stage.until("all are heard") { stage.heard(players[2]).count == 4 }
            stage.forgetHeard()
            stage.bay.send(.release(try stage.id(players[0])))
            try stage.until("the release") { stage.heard(players[2]).count == 2 }
            #expect(stage.heard(players[2]) == [off(60), pedal(0)])
            #expect(stage.heard(players[0]).isEmpty)
        }

        @Test func `what is held and set is told when asked`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B")
            try stage.until("both are wired") { stage.kernelWires(players).count == 2 }
            for message in [on(60), on(64), off(64), pedal(127)] { stage.play(message, players[0]) }
            try stage.until("all are heard") { stage.heard(players[1]).count == 4 }
            stage.bay.send(.sounding)
            let told = try stage.awaitSounding()
            #expect(try told[stage.id(players[0])]?.notes == [.init(channel: 1, note: 60)])
            #expect(
                try told[stage.id(players[0])]?.controls
                    == [.init(channel: 1, what: .controller, number: 64, value: 127)])
            #expect(try told[stage.id(players[1])] == nil)
        }

        @Test func `who only measures is neither wired nor tapped nor remembered`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B", "midihub ping", "midihub ping")
            try stage.until("the others are wired") { stage.kernelWires(players).count == 2 }
            #expect(try [2, 3].map { try #require(stage.appearance(players[$0])).standing } == [.probe, .probe])
            // A mark that calls a probe a participant is ignored.
            stage.bay.send(.mark(try stage.id(players[2]), .participant))
            stage.play(on(60), players[2])
            stage.play(on(61), players[0])
            try stage.until("A is heard") { stage.heard(players[1]) == [on(61)] }
            try stage.settle()
            #expect(stage.kernelWires(players) == [[players[0], players[1]], [players[1], players[0]]])
            #expect(stage.engine.hearers(of: players[2]).isEmpty)
            try stage.leave(players[2])
            try stage.until("it is gone") { stage.appearance(players[2]) == nil }
            #expect(stage.releases.isEmpty)
        }

        @Test func `activity is counted`() throws {
            let stage = try Stage()
            let players = try stage.players("A", "B")
            for _ in 0..<5 { stage.play(.channelPressure(one, pressure: 3), players[0]) }
            let id = try stage.id(players[0])
            try stage.until("five are told") {
                stage.news.reduce(0) { if case .activity(let counts) = $1 { $0 + (counts[id] ?? 0) } else { $0 } } == 5
            }
        }
    }
}
