import Rtpmidid
import Testing

/// The events as sentences.
func story(_ events: [JoinTracker.Event]) -> [String] {
    events.map {
        switch $0 {
        case .joined(let join, let isDuplicate):
            "\(join.name) joined\(join.port.map { " on \($0)" } ?? "")\(isDuplicate ? " again" : "")"
        case .left(let join, let leaving): "\(join.name) left\(join.port.map { " \($0)" } ?? ""): \(leaving)"
        case .died(let join): "\(join.name) died on \(join.port ?? -1)"
        case .listenerGone: "listener gone"
        case .collision(let names): "collision of \(names)"
        case .doubted: "doubted"
        }
    }
}

/// What raises a doubt about the log, and what ends it.
@Suite struct RtpmididDoubtTests {
    @Test func `contradictions are doubted`() {
        let contradictions: [(inout MadeLog) -> Void] = [
            { $0.join("Bea", ssrc: 2, port: 1) },
            { $0.add("midirouter.cpp:52", "Added peer type=local_alsa_peer_t peer_id=77") },
            { $0.add("midirouter.cpp:52", "Added peer type=network_rtpmidi_peer_t peer_id=3") },
            {
                $0.invite("Bea", ssrc: 2, channel: "MIDI")
                $0.add("local_alsa_peer.cpp:33", "Created alsapeer Bea, port 2")
                $0.add("midirouter.cpp:52", "Added peer type=local_alsa_peer_t peer_id=2")
            },
            {
                $0.invite("Bea", ssrc: 2, channel: "CONTROL")
                $0.port("Bea", 2)
            },
        ]
        for contradict in contradictions {
            var log = MadeLog()
            log.join("Ann", ssrc: 1, port: 1)
            #expect(log.tracked().tracker.suspicion == nil)
            contradict(&log)
            let (tracker, _) = log.tracked()
            #expect(tracker.suspicion?.isOpen == true)
            #expect(tracker.joins.first?.name == "Ann" && tracker.join(id: 2)?.name == "Ann")
        }
    }

    @Test func `a port made without an invitation is doubted`() {
        var log = MadeLog()
        log.join("Ann", ssrc: 1, port: 1)
        log.port("Ann", 2)
        let (tracker, events) = log.tracked()
        #expect(story(events) == ["Ann joined on 1", "doubted", "Ann joined on 2"])
        #expect(tracker.join(port: 2)?.trust == .doubtful && tracker.join(port: 2)?.ssrc == nil)
    }

    @Test func `an endless collision is named once`() {
        var log = MadeLog()
        log.join("Anna-keys", initiator: 0, ssrc: 1, port: 1)
        for turn in 0..<10 {
            let name = turn.isMultiple(of: 2) ? "Bert-pads" : "Anna-keys"
            for channel in ["CONTROL", "MIDI"] {
                log.warnAlreadyConnected()
                log.invite(name, initiator: 0, ssrc: turn.isMultiple(of: 2) ? 2 : 1, channel: channel)
                log.port(name, 2 + turn * 2 + (channel == "MIDI" ? 1 : 0))
            }
        }
        let (tracker, events) = log.tracked()
        #expect(story(events).filter { $0.hasPrefix("collision") } == ["collision of [Anna-keys, Bert-pads]"])
        #expect(tracker.suspicion == nil)
        #expect(JoinTracker.collisionCure.contains("ALSA connection"))
        var first: Int?
        for (index, event) in events.enumerated() where first == nil { if case .collision = event { first = index } }
        #expect(first.map { $0 <= 9 } == true)
    }

    @Test(arguments: [UInt32(0), 7])
    func `one participant that comes back again and again is no collision`(initiator: UInt32) {
        var log = MadeLog()
        log.join("Anna-keys", initiator: initiator, ssrc: 1, port: 1)
        for turn in 0..<10 {
            log.warnAlreadyConnected()
            log.invite("Anna-keys", initiator: initiator, ssrc: UInt32(turn / 2 + 2), channel: "CONTROL")
            log.port("Anna-keys", 2 + turn)
        }
        #expect(!story(log.tracked().events).contains { $0.hasPrefix("collision") })
    }

    @Test func `a status reply corrects the table`() throws {
        var tracker = JoinTracker()
        let log = try RtpmididFixture.bytes("26.01-two-participants.log")
        for (fact, range) in facts(of: log).prefix(70) { _ = tracker.note(fact, at: range) }
        #expect(tracker.joins.map(\.name) == ["Alice-keys", "Bob-keys"])
        tracker.settle(
            with: try RtpmididFixture.status("26.01-two-status-A-left.json"),
            during: UInt64(log.count)..<(UInt64(log.count)))
        #expect(tracker.joins.map(\.name) == ["Bob-keys"])
        let bob = try #require(tracker.join(port: 2))
        #expect(bob.trust == .confirmed && bob.ssrc == 23978 && bob.alsaID == 4 && bob.networkID == 5)
        #expect(bob.initiator == 0x14B5_754D)
        tracker.settle(
            with: try RtpmididFixture.status("26.01-two-status-2.json"), during: UInt64(log.count)..<(UInt64(log.count))
        )
        #expect(tracker.join(port: 1)?.name == "Alice-keys" && tracker.join(id: 3)?.port == 1)
        tracker.settle(
            with: try RtpmididFixture.status("23.10-basic-status-2.json"),
            during: UInt64(log.count)..<(UInt64(log.count)))
        #expect(tracker.joins.count == 2)
    }

    @Test func `a join that is newer than the reply stays`() throws {
        var log = MadeLog()
        let before = UInt64(log.bytes.count)
        log.join("Ann", ssrc: 1, port: 1)
        var (tracker, _) = log.tracked()
        tracker.settle(with: try MadeStatus.reply([]), during: before..<(before))
        #expect(tracker.joins.map(\.name) == ["Ann"])
        tracker.settle(with: try MadeStatus.reply([]), during: UInt64(log.bytes.count)..<(UInt64(log.bytes.count)))
        #expect(tracker.joins.isEmpty)
    }

    @Test func `what is claimed about leaving in a doubted log waits for ALSA`() throws {
        var log = MadeLog()
        let ann = log.join("Ann", ssrc: 1, port: 1)
        log.join("x\ny", initiator: 3, ssrc: 3, port: 2)
        log.bye("Ann")
        log.remove(ann)
        var (tracker, events) = log.tracked()
        #expect(story(events).prefix(2) == ["Ann joined on 1", "doubted"])
        #expect(!story(events).contains { $0.contains("left") })
        let vanished = tracker.portVanished(1)
        let gone = try #require(vanished)
        #expect(gone.join.name == "Ann" && gone.claimed == .bye && tracker.join(port: 1) == nil)
        let nobody = tracker.portVanished(9)
        #expect(nobody == nil)
    }

    @Test func `a doubt survives a restart of the hub`() throws {
        var log = MadeLog()
        log.join("x\ny", initiator: 3, ssrc: 3, port: 1)
        let kept = try #require(log.tracked().tracker.suspicion)
        var later = MadeLog()
        later.join("Ann", ssrc: 1, port: 2)
        let restored = Suspicion(from: kept.from, until: kept.until, reasons: kept.reasons)
        #expect(later.tracked(suspicion: restored).tracker.join(port: 2)?.trust == .doubtful)
    }

    @Test func `a reply that was asked for before the doubt does not end it`() throws {
        var log = MadeLog()
        log.join("Ann", ssrc: 1, port: 1)
        let asked = UInt64(log.bytes.count)
        log.join("x\ny", initiator: 3, ssrc: 3, port: 2)
        let end = UInt64(log.bytes.count)
        var (tracker, _) = log.tracked()
        let ann = MadeStatus.Entry(name: "Ann", ssrc: 1, port: 1, ids: (2, 3), last: 0)
        tracker.settle(with: try MadeStatus.reply([ann]), during: asked..<end)
        #expect(tracker.suspicion?.isOpen == true)
        tracker.settle(with: try MadeStatus.reply([ann]), during: end..<(end + 50))
        #expect(tracker.suspicion?.isOpen == false && tracker.isDoubted(end + 49) && !tracker.isDoubted(end + 50))
    }

    @Test func `a join that a reply tells of before its lines are read is not doubted, nor a second one`() throws {
        var log = MadeLog()
        log.join("Ann", ssrc: 1, port: 1)
        var tracker = JoinTracker()
        let ann = MadeStatus.Entry(name: "Ann", ssrc: 1, port: 1, ids: (2, 3), last: 0)
        tracker.settle(with: try MadeStatus.reply([ann]), during: 0..<UInt64(log.bytes.count))
        var events: [JoinTracker.Event] = []
        for (fact, range) in facts(of: log.bytes) { events += tracker.note(fact, at: range) }
        #expect(story(events) == ["Ann joined on 1"])
        #expect(tracker.suspicion == nil && tracker.joins.count == 1 && tracker.join(port: 1)?.initiator != nil)
    }

    @Test func `a doubt that a reply gives reason for is told of once, as one by the log`() throws {
        var tracker = JoinTracker()
        let forger = MadeStatus.Entry(name: "x\ny", ssrc: 3, port: 1, ids: (2, 3), last: 0)
        let first = tracker.settle(with: try MadeStatus.reply([forger]), during: 100..<200)
        #expect(story(first) == ["doubted"])
        let again = tracker.settle(with: try MadeStatus.reply([forger]), during: 200..<300)
        #expect(again.isEmpty)
        let over = tracker.settle(with: try MadeStatus.reply([]), during: 300..<400)
        #expect(over.isEmpty && tracker.suspicion?.isOpen == false)
    }

    @Test(arguments: [true, false])
    func `the log may tell how somebody left after ALSA told that they did`(saysBye: Bool) {
        var log = MadeLog()
        let ids = log.join("Ann", ssrc: 1, port: 1)
        var (tracker, _) = log.tracked()
        let gone = tracker.portVanished(1)
        #expect(gone?.join.name == "Ann" && gone?.claimed == nil)
        let start = log.bytes.count
        if saysBye { log.bye("Ann") }
        log.remove(ids)
        var events: [JoinTracker.Event] = []
        for (fact, range) in facts(of: Array(log.bytes[start...]), at: UInt64(start)) {
            events += tracker.note(fact, at: range)
        }
        #expect(story(events) == ["Ann left 1: \(saysBye ? "bye" : "lost")"])
    }
}
