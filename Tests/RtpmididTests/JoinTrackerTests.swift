import Rtpmidid
import Testing

@Suite struct RtpmididJoinTrackerTests {
    private func track(_ name: String) throws -> (tracker: JoinTracker, events: [JoinTracker.Event]) {
        var tracker = JoinTracker()
        var events: [JoinTracker.Event] = []
        for (fact, range) in facts(of: try RtpmididFixture.bytes(name)) { events += tracker.note(fact, at: range) }
        return (tracker, events)
    }

    private static let basic = [
        "Alice iPad joined on 1", "Bob Mac joined on 2", "Alice iPad left 1: bye", "Alice iPad joined on 1",
        "Bob Mac left 2: lost",
    ]

    @Test(arguments: [
        ("26.01-basic.log", basic), ("24.12-basic.log", basic),
        (
            "21.07-basic.log",
            ["Alice iPad joined", "Bob Mac joined", "Alice iPad left 1: bye", "Alice iPad joined"]
        ),
        (
            "23.10-basic.log",
            ["Alice iPad joined", "Bob Mac joined", "Alice iPad left 1: bye", "Alice iPad joined"]
        ),
        (
            "26.01-two-participants.log",
            [
                "Alice-keys joined on 1", "Bob-keys joined on 2", "Alice-keys left 1: bye", "Alice-keys joined on 1",
                "Bob-keys died on 2",
            ]
        ),
        (
            "26.01-same-name-reinvite.log",
            [
                "Phone joined on 1", "Phone joined on 2 again", "Phone joined on 3 again", "Phone joined on 4",
                "Phone left 1: bye", "Phone left 2: bye", "Phone left 3: bye", "Phone left 4: bye",
            ]
        ),
        ("26.01-ghost-after-join.timed.log", ["Ghost1 joined on 1", "Live2 joined on 2"]),
        ("26.01-ghost-after-leave.timed.log", ["First joined on 1", "Second joined on 2", "First left 1: bye"]),
        ("26.01-timeout-silent.timed.log", ["Silent1 joined on 1", "Silent1 left 1: lost"]),
        (
            "26.01-bye-on-one-port.timed.log",
            [
                "ByeControlOnly joined on 1", "ByeMidiOnly joined on 2", "ByeControlOnly left 1: halfBye",
                "ByeMidiOnly left 2: halfBye",
            ]
        ),
        (
            "26.01-latency-is-round-trip.log",
            ["A joined on 1", "A left 1: lost", "B joined on 1", "listener gone", "B left 1: lost"]
        ),
        ("26.01-hub-restart-hub.timed.log", ["Midi Through-Midi Through Port-0 joined on 1"]),
        ("26.01-sigterm-with-participant.log", ["A joined on 1"]),
        ("26.01-participant-role.log", []),
        ("26.01-port-in-use.log", []),
    ])
    func `a capture tells who joined and how they left`(name: String, expected: [String]) throws {
        let (tracker, events) = try track(name)
        #expect(story(events) == expected)
        #expect(tracker.suspicion == nil && tracker.halfOpen.isEmpty)
        #expect(tracker.joins.allSatisfy { $0.trust == .claimed && $0.ssrc != nil })
    }

    @Test func `a name that is no UTF-8 is a name, and a name with a newline is doubted`() throws {
        let (plain, events) = try track("26.01-invalid-utf8-name.log")
        #expect(
            story(events) == [
                "Good joined on 1", "caf\u{fffd} joined on 2", "caf\u{fffd} left 2: bye", "Dup joined on 2",
                "Dup joined on 3 again",
                "Dup joined on 4 again", "Dup left 2: bye", "Dup left 3: bye", "Dup left 4: bye", "Eve joined on 2",
                "Eve left 2: bye", "Eve joined on 2", "Eve left 2: bye",
            ])
        #expect(plain.suspicion == nil)
        let (odd, _) = try track("26.01-odd-names.log")
        // The fragments begin at 6698, and everything up to one record's length before them is doubted too.
        #expect(odd.suspicion?.isOpen == true && odd.suspicion?.from == 2602)
        #expect(
            odd.join(port: 1)?.trust == .claimed && odd.join(port: 10)?.trust == .doubtful && odd.join(port: 7) == nil)
        #expect(odd.joins.filter { $0.name == "Twin" }.map(\.ssrc) == [0x2EA2_CEAE, 0x7C15_57B0, 0xC966_322A])
    }

    @Test func `a goodbye does not count for somebody of the same name`() {
        var log = MadeLog()
        let one = log.join("Twin", initiator: 1, ssrc: 1, port: 1)
        let two = log.join("Twin", initiator: 2, ssrc: 2, port: 2)
        log.bye("Twin")
        log.remove(one)
        log.remove(two)
        #expect(
            story(log.tracked().events) == [
                "Twin joined on 1", "Twin joined on 2", "Twin left 1: bye", "Twin left 2: lost",
            ])
    }

    @Test func `a port leads to name, session and router ids, and an id to the port`() throws {
        let (tracker, _) = try track("26.01-ghost-after-leave.timed.log")
        let join = try #require(tracker.join(port: 2))
        #expect(join.name == "Second" && join.ssrc == 2_219_120_964 && join.alsaID == 4 && join.networkID == 5)
        #expect(tracker.join(id: 4) == join && tracker.join(id: 5) == join && tracker.join(id: 2) == nil)
        #expect(tracker.join(port: 1) == nil && tracker.listenerID == 1)
    }

    @Test func `an invitation on the control port alone is half open`() {
        var log = MadeLog()
        log.invite("Ann", ssrc: 1, channel: "CONTROL")
        log.invite("Bea", ssrc: 2, channel: "CONTROL")
        log.invite("Bea", ssrc: 2, channel: "MIDI")
        log.port("Bea", 1)
        let (tracker, events) = log.tracked()
        #expect(tracker.halfOpen.map(\.name) == ["Ann"] && tracker.suspicion == nil)
        #expect(story(events) == ["Bea joined on 1"])
    }

    @Test func `a name of more than a record is nobody by the log, and raises no doubt`() throws {
        var log = MadeLog()
        let long = String(repeating: "Z", count: 1200)
        log.join(long, ssrc: 1, port: 1)
        log.join("Ann", ssrc: 2, port: 2)
        let (tracker, events) = log.tracked()
        #expect(story(events) == ["Ann joined on 2"] && tracker.suspicion == nil)
        #expect(tracker.joins.map(\.networkID) == [5])
    }

    @Test func `duplicates are those that share a session`() throws {
        var tracker = JoinTracker()
        for (fact, range) in facts(of: try RtpmididFixture.bytes("26.01-same-name-reinvite.log")) {
            if case .byeReceived = fact { break }
            _ = tracker.note(fact, at: range)
        }
        #expect(tracker.joins.map(\.port) == [1, 2, 3, 4] && tracker.duplicates.map(\.port) == [2, 3])
    }

    @Test func `memory is bounded whatever the log says`() {
        var tracker = JoinTracker()
        var offset: UInt64 = 0
        for number in 0..<5_000 {
            let name = RawText("n\(number)")
            let facts: [LogFact] = [
                .invitation(.init(name: name, initiator: 0, ssrc: UInt32(number), channel: .control)),
                .alreadyConnected,
                .invitation(.init(name: name, initiator: 0, ssrc: UInt32(number), channel: .midi)),
                .alsaPortMade(name: name, port: number), .peerAdded(id: number * 2 + 2, kind: .alsa),
                .peerAdded(id: number * 2 + 3, kind: .network), .joinedWithoutPort(name: name),
                .byeReceived(name: name, channel: .control, last: true),
                number.isMultiple(of: 3) ? .peerRemoved(id: number * 2 + 2) : .noise,
            ]
            for fact in facts {
                _ = tracker.note(fact, at: offset..<(offset + 10))
                offset += 10
            }
        }
        #expect(tracker.joins.count <= JoinTracker.limit && tracker.halfOpen.count <= 64)
    }

    @Test func `random facts do no harm`() throws {
        let nobody = try MadeStatus.reply([])
        var random = SeededRandom(seed: 3)
        for _ in 0..<200 {
            var tracker = JoinTracker()
            for step in 0..<200 {
                let name = RawText(["a", "b", "x\ny"][random.next(below: 3)])
                let number = random.next(below: 6)
                let facts: [LogFact] = [
                    .invitation(
                        .init(
                            name: name, initiator: UInt32(number % 2), ssrc: UInt32(number),
                            channel: number < 3 ? .control : .midi)),
                    .alreadyConnected, .alsaPortMade(name: name, port: number),
                    .peerAdded(id: number, kind: [.alsa, .network, .listener, .other, .untold][random.next(below: 5)]),
                    .peerRemoved(id: number), .joinedWithoutPort(name: name), .oldPortRemoved(port: number),
                    .byeReceived(name: name, channel: .midi, last: number > 2), .malformed("x"), .cut, .cutSuspected,
                    .noise,
                ]
                let offset = UInt64(step * 500)
                _ = tracker.note(facts[random.next(below: facts.count)], at: offset..<(offset + 500))
                if random.next(below: 20) == 0 { _ = tracker.portVanished(number) }
                if random.next(below: 40) == 0 { tracker.settle(with: nobody, during: offset + 500..<(offset + 500)) }
                if tracker.suspicion?.isOpen == true { #expect(tracker.isDoubted(offset + 1)) }
            }
        }
    }

    @Test func `23_12's untyped router lines are understood`() {
        let lines = [
            "[midirouter.cpp:52] Added peer 1",
            "[rtppeer.cpp:195] Got connection request from Ann, initiator_id: A (true) ssrc: B, name: Ann, at control? true",
            "[rtppeer.cpp:195] Got connection request from Ann, initiator_id: A (true) ssrc: B, name: Ann, at control? false",
            "[local_alsa_peer.cpp:30] Created alsapeer Ann, port 0", "[midirouter.cpp:52] Added peer 2",
            "[midirouter.cpp:52] Added peer 3", "[rtppeer.cpp:301] Latency Ann: 4.10 ms (server / 3)",
            "[rtppeer.cpp:1] Timeout waiting for CK. Disconnecting.",
            "[rtppeer.cpp:1] Sent both goodbyes and is peer is disconected (Ann)",
            "[midirouter.cpp:106] Removed peer 2",
            "[midirouter.cpp:106] Removed peer 3",
        ]
        var tracker = JoinTracker()
        var events: [JoinTracker.Event] = []
        for (fact, range) in facts(of: Array(lines.map { " \($0)\n" }.joined().utf8), format: .blank) {
            events += tracker.note(fact, at: range)
            if case .ckTimeout = fact { #expect(tracker.join(port: 0)?.networkID == 3) }
        }
        #expect(story(events) == ["Ann joined on 0", "Ann left 0: lost"] && tracker.listenerID == 1)
    }
}
