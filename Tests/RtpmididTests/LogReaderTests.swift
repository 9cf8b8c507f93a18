import Rtpmidid
import Testing

@Suite struct RtpmididLogReaderTests {
    private func plainFacts(of name: String) throws -> [LogFact] {
        facts(of: try RtpmididFixture.bytes(name)).map(\.fact).filter { $0 != .noise }
    }

    private func invitations(_ name: RawText, _ initiator: UInt32, _ ssrc: UInt32) -> [LogFact] {
        [SessionChannel.control, .midi].map {
            .invitation(.init(name: name, initiator: initiator, ssrc: ssrc, channel: $0))
        }
    }

    private func latency(_ name: RawText, _ microseconds: Int) -> LogFact {
        .latency(name: name, microseconds: microseconds, role: .server)
    }

    private func join(_ name: RawText, _ initiator: UInt32, _ ssrc: UInt32, port: Int, id: Int) -> [LogFact] {
        invitations(name, initiator, ssrc) + [
            .alsaPortMade(name: name, port: port), .peerAdded(id: id, kind: .alsa),
            .peerAdded(id: id + 1, kind: .network),
            .connected(from: id, to: id + 1), .connected(from: id + 1, to: id),
        ]
    }

    @Test(arguments: ["26.01", "24.12"])
    func `the log of one that invites is no reason for doubt, and tells who says goodbye and who is silent`(
        version: String
    ) throws {
        let facts = try plainFacts(of: "\(version)-inviting.log")
        var tracker = JoinTracker()
        tracker.ownNames = ["Desk"]
        for (offset, fact) in facts.enumerated() { _ = tracker.note(fact, at: UInt64(offset)..<UInt64(offset + 1)) }
        #expect(tracker.suspicion == nil && tracker.joins.isEmpty)
        for fact in facts {
            switch fact {
            case .malformed, .cutSuspected, .unknown, .bindFailed: Issue.record("\(fact)")
            case .error(let words): #expect(words.description.hasPrefix("Error at rtpclient_t."))
            case .warning(let words):
                #expect(
                    words.description.hasPrefix("Invitation Rejected (NO)") || words.description.hasPrefix("OUT OF"))
            default: break
            }
        }
        #expect(facts.count { $0 == .byeReceived(name: "Desk", channel: .control, last: false) } == 2)
        #expect(facts.count { $0 == .byeReceived(name: "Desk", channel: .midi, last: true) } == 1)
        #expect(facts.contains(.ckTimeout))
    }

    @Test func `26_01's log is understood from first to last line`() throws {
        let bye: [LogFact] = [
            .byeReceived(name: "Alice iPad", channel: .control, last: false),
            .byeReceived(name: "Alice iPad", channel: .midi, last: true), .peerRemoved(id: 2), .peerRemoved(id: 3),
        ]
        let expected: [LogFact] =
            [
                .controlReady(path: "/run/midihub/hub.sock"),
                .listening(control: 5004, midi: 5005, name: "midihub-5004"),
                .peerAdded(id: 1, kind: .listener), .waitingForConnections,
            ] + join("Alice iPad", 0x1DF6_E617, 0x2F56_9A65, port: 1, id: 2) + [
                latency("Alice iPad", 2800), latency("Alice iPad", 4200),
            ] + join("Bob Mac", 0x90EC_C82C, 0xC58A_ADC9, port: 2, id: 4) + [latency("Bob Mac", 3100)] + bye
            + join("Alice iPad", 0xC779_865D, 0x29FC_85FA, port: 1, id: 6) + [
                latency("Alice iPad", 4100), latency("Bob Mac", 4300), latency("Alice iPad", 3200), .peerRemoved(id: 4),
                .peerRemoved(id: 5), .stopping, .fin,
            ]
        #expect(try plainFacts(of: "26.01-basic.log") == expected)
    }

    @Test func `24_12 tells the same story with its debug lines`() throws {
        let facts = try plainFacts(of: "24.12-basic.log")
        #expect(facts.count == 40 && facts.contains(.goodbyesSent(name: "Bob Mac")))
        #expect(facts.contains(.byeReceived(name: "Alice iPad", channel: .midi, last: true)))
        #expect(Array(facts[4..<11]) == join("Alice iPad", 0x14D1_8A6D, 0x110B_854F, port: 1, id: 2))
    }

    @Test(arguments: [
        ("21.07-basic.log", UInt32(0x111A_88A9), UInt32(0x75A_3FFC), [1500, 1900]),
        ("23.10-basic.log", 0xAD61_0E82, 0x8888_EFD5, [4300, 3000]),
    ])
    func `old versions' logs are understood from first to last line`(
        name: String, initiator: UInt32, ssrc: UInt32, latencies: [Int]
    ) throws {
        let facts = try plainFacts(of: name)
        #expect(facts.contains(.listening(control: 5004, midi: 5005, name: "midihub-5004")))
        let first = try #require(facts.firstIndex { if case .invitation = $0 { true } else { false } })
        #expect(
            Array(facts[first..<(first + 5)]) == invitations("Alice iPad", initiator, ssrc)
                + [.joinedWithoutPort(name: "Alice iPad")] + latencies.map { latency("Alice iPad", $0) })
        #expect(
            Array(facts[(first + 9)..<(first + 11)]) == [
                .byeReceived(name: "Alice iPad", channel: .control, last: true), .oldPortRemoved(port: 1),
            ])
        #expect(facts.filter { if case .joinedWithoutPort = $0 { true } else { false } }.count == 3)
        #expect(facts.suffix(2) == [.stopping, .fin])
    }

    @Test func `no line of any capture is unknown, and only one name's lines are malformed`() throws {
        for name in try RtpmididFixture.names(where: { $0.hasSuffix(".log") || $0.hasSuffix(".stderr") }) {
            var odd = 0
            for (fact, _) in facts(of: try RtpmididFixture.bytes(name)) {
                switch fact {
                case .unknown, .malformed, .cutSuspected: odd += 1
                default: break
                }
            }
            // "line1\nline2": three lines for each invitation, two for the port.
            #expect(odd == (name == "26.01-odd-names.log" ? 8 : 0), "\(name)")
        }
    }

    @Test func `odd names come through as they are`() throws {
        let made = try plainFacts(of: "26.01-odd-names.log").compactMap {
            if case .alsaPortMade(let name, let port) = $0 { (name, port) } else { nil }
        }
        #expect(made.map(\.1) == [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 17])
        #expect(made[0].0 == "Zoë 🎹 Straße" && made[4].0 == "" && made[5].0 == #"it's "quoted" \ back"#)
        #expect(made[6].0 == "\u{1b}[31mred\u{1b}[0m" && made[7].0 == "{} {0} %s" && made[12].0 == "  spaced  name ")
        #expect(made[14].0.bytes == Array("caf".utf8) + [0xE9])
        let invited = try plainFacts(of: "26.01-odd-names.log").compactMap {
            if case .invitation(let invitation) = $0 { invitation } else { nil }
        }
        #expect(invited.count == 30)
        #expect(
            invited.contains { $0.name == #"it's "quoted" \ back"# && $0.ssrc == 0xC1C1_EFE3 && $0.channel == .midi })
    }

    @Test(arguments: [
        ("24.12-port-in-use.log", LogFact.listening(control: nil, midi: 1, name: "hb")),
        ("26.01-port-in-use.log", .listening(control: nil, midi: 1, name: "hb")),
        ("26.01-port-in-use.log", .bindFailed("Error binding socket: :::5004 Address already in use")),
        ("26.01-midi-port-in-use.log", .listening(control: 5003, midi: nil, name: "hc")),
        ("26.01-bad-port.log", .bindFailed("Error getting address info for :::abc")),
        (
            "21.07-port-in-use.log",
            .bindFailed("Error creating server at port 0: Can not open rtpmidi control socket. Address already in use.")
        ),
        ("21.07-no-alsa.log", .noSequencer("Can't open sequencer. Maybe user has no permissions.")),
        (
            "23.12-no-alsa.stderr",
            .noSequencer("Unhandled exception: Can't open sequencer. Maybe user has no permissions.!")
        ),
        ("24.12-no-alsa.log", .noSequencer("Error on setup: Can't open sequencer. Maybe user has no permissions.")),
        ("26.01-no-avahi.log", .avahiProblem("Error creating avahi client: -26 Daemon not running. Try again in 30s")),
        (
            "21.07-no-avahi.stderr",
            .fatal("rtpmidid: browser.c:581: avahi_service_browser_new: Assertion `client' failed.")
        ),
        (
            "26.01-avahi-restart.timed.log",
            .avahiProblem("Client failure: error=\"Daemon connection failed\" errno=-23")
        ),
        (
            "26.01-control-dir-missing.log",
            .controlFailed("Error Binding socket at /nonexistent/dir/c.sock: No such file or directory")
        ),
        (
            "26.01-ini-bad-key.stderr",
            .fatal("  what():  Error parsing INI configuration at bad1.ini:2: Invalid key: foo")
        ),
        ("26.01-bad-option.log", .fatal("Unknown argument: --nonsense. Try help with --help.")),
        ("26.01-hub-restart-participant-quick.timed.log", .ckTimeout),
        ("26.01-same-name-reinvite.log", .alreadyConnected),
        ("26.01-participant-role.log", .latency(name: "midihub-5004", microseconds: 111_100, role: .client)),
    ])
    func `what goes wrong is told`(name: String, fact: LogFact) throws {
        #expect(try plainFacts(of: name).contains(fact))
    }

    @Test func `ranges lie end to end, whatever the offset`() throws {
        let log = try RtpmididFixture.bytes("26.01-two-participants.log")
        var next: UInt64 = 1 << 40
        for (_, range) in facts(of: log, at: next) {
            #expect(range.lowerBound == next)
            next = range.upperBound
        }
        #expect(next == 1 << 40 + UInt64(log.count))
    }

    /// A join by everybody's grammar, a split name, a dump and a long name, in little space.
    private func interesting() -> [UInt8] {
        var log = MadeLog()
        let ids = log.join("Ann", ssrc: 5, port: 1)
        log.latency("Ann", "1.20")
        log.latency("x\nLatency y", "1.20")
        log.invite("x\ny", ssrc: 7, channel: "MIDI")
        log.latency(String(repeating: "é", count: 600), "1.00")
        log.bytes += Array("terminate called after throwing an instance of 'x'\n\nrubbish\n".utf8)
        log.bye("Ann")
        log.remove(ids)
        return log.bytes
    }

    @Test func `a log cut in two anywhere reads the same`() {
        let log = interesting()
        let whole = facts(of: log).map(\.fact)
        for split in 0...log.count {
            var reader = LogReader()
            var read: [LogFact] = []
            let first = Array(log[..<split])
            let taken = reader.read(first) { fact, _ in read.append(fact) }
            #expect(taken == (first.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0))
            _ = reader.read(Array(log[taken...])) { fact, _ in read.append(fact) }
            #expect(read == whole)
        }
    }

    @Test func `captures that grow byte by byte read the same`() throws {
        for name in ["21.07-basic.log", "23.10-basic.log", "23.12-port-in-use.stderr", "26.01-odd-names.log"] {
            let log = try RtpmididFixture.bytes(name)
            var reader = LogReader()
            var read: [LogFact] = []
            var start = 0
            for end in 1...log.count where end == log.count || log[end - 1] == 0x0a || end % 7 == 0 {
                start += reader.read(Array(log[start..<end])) { fact, _ in read.append(fact) }
            }
            #expect(read == facts(of: log).map(\.fact))
        }
    }

    @Test func `a line too long is malformed once and the next one is read`() {
        let tail = Array(MadeLog.record("main.cpp:171", "Waiting for connections.").utf8)
        for length in [65_535, 65_536, 65_537, 200_000] {
            let log = [UInt8](repeating: 0x78, count: length) + [0x0a] + tail
            let whole = facts(of: log)
            #expect(whole.count == 2 && whole[1].fact == .waitingForConnections)
            #expect(whole[0].fact == .malformed(RawText([UInt8](repeating: 0x78, count: LogReader.longestText))))
            var reader = LogReader()
            var read: [LogFact] = []
            var start = 0
            for end in stride(from: 10_000, through: log.count + 10_000, by: 10_000) {
                start += reader.read(Array(log[start..<min(end, log.count)])) { fact, _ in read.append(fact) }
                #expect(min(end, log.count) - start <= LogReader.longestLine)
            }
            #expect(start == log.count && read == whole.map(\.fact) && reader.offset == UInt64(log.count))
        }
    }

    @Test func `bytes without sense are never believed`() {
        var random = SeededRandom(seed: 1)
        for _ in 0..<300 {
            let bytes = (0..<random.next(below: 600)).map { _ in UInt8(random.next(below: 256)) }
            for (fact, _) in facts(of: bytes) {
                switch fact {
                case .malformed, .noise: break
                default: Issue.record("\(bytes) gave \(fact)")
                }
            }
        }
    }

    @Test func `damaged captures are read without harm and without new people`() throws {
        var random = SeededRandom(seed: 2)
        let log = try RtpmididFixture.bytes("26.01-basic.log")
        for _ in 0..<200 {
            var damaged = log
            for _ in 0..<20 { damaged[random.next(below: damaged.count)] = UInt8(random.next(below: 256)) }
            var reader = LogReader(format: .levelled)
            var tracker = JoinTracker()
            var ports = 0
            _ = reader.read(damaged) { fact, range in
                if case .alsaPortMade = fact { ports += 1 }
                _ = tracker.note(fact, at: range)
            }
            #expect(ports <= 3 && tracker.joins.count <= 3)
        }
    }

    @Test(arguments: [
        "Latency : 4.80 ms (server / 3)", "Latency a: 4.8 ms (server / 3)", "Latency a: 4.800 ms (server / 3)",
        "Latency a:4.80 ms (server / 3)", "Latency a: 4.80 ms (server / 2)", "Latency a: 4.80 ms (server / 3) ",
        "Latency a: 04.80 ms (server / 3)", "Created alsapeer a, port ", "Created alsapeer a, port -1",
        "Created alsapeer a, port 99999999999", "Removed peer 02", "Removed peer 2 ", "Added peer type=x-y peer_id=1",
        "Got connection request from remote_name=\"a\", initiator_id=1  ssrc=2, local_name=\"b\", at port=MIDI_PORT",
        "Got connection request from remote_name=\"a\", initiator_id=1 ssrc=2, local_name=\"a\", at port=MIDI_PORT",
        "Got connection request from remote_name=\"a\", initiator_id=01  ssrc=2, local_name=\"a\", at port=MIDI_PORT",
        "Got connection request from remote_name=\"a\", initiator_id=1  ssrc=123456789, local_name=\"a\", at port=MIDI_PORT",
        "Got connection request from remote_name=\"a\", initiator_id=1  ssrc=2a, local_name=\"a\", at port=MIDI_PORT",
        "Disconnect from a, MIDI_PORT port. Status CONNECTED ->",
        "Listening RTP MIDI connections at :::99999 / null, with name: 'x'",
    ])
    func `a record that is nearly right is not believed`(message: String) {
        for location in ["rtppeer.cpp:1", "local_alsa_peer.cpp:1", "midirouter.cpp:1", "rtpserver.cpp:1"] {
            let fact = facts(of: Array(MadeLog.record(location, message).utf8))[0].fact
            switch fact {
            // The empty name counts as a name.
            case .latency("", 4800, .server) where message.hasPrefix("Latency : "): break
            case .malformed, .unknown: break
            default: Issue.record("\(message) gave \(fact)")
            }
        }
    }

    @Test func `the first record sets the format, and other formats are not believed then`() {
        let plain = "[rtppeer.cpp:301] Latency Alice: 1.00 ms (server / 3)\n"
        let levelled = MadeLog.record("rtppeer.cpp:307", "Latency Alice: 1.00 ms (server / 3)")
        #expect(facts(of: Array(plain.utf8))[0].fact == .latency(name: "Alice", microseconds: 1000, role: .server))
        let mixed = facts(of: Array((levelled + plain + " " + plain).utf8)).map(\.fact)
        #expect(mixed[0] == .latency(name: "Alice", microseconds: 1000, role: .server))
        for fact in mixed[1...] { #expect({ if case .malformed = fact { true } else { false } }()) }
        guard case .malformed = facts(of: Array(levelled.utf8), format: .plain)[0].fact else {
            Issue.record("another format was believed")
            return
        }
    }
}
