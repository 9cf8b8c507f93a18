import Rtpmidid
import Testing

/// Participants whose names forge log lines. Alice is there and honest; Mallory's name says that Alice left, that her
/// latency is 999 ms, and that somebody called Ghost joined.
@Suite struct RtpmididForgeryTests {
    struct Attack: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let name: String
    }

    static func line(_ location: String, _ message: String) -> String { MadeLog.record(location, message) }

    /// Names that contain complete, well-formed records.
    static let payload =
        line("rtppeer.cpp:307", "Latency Alice: 999.00 ms (server / 3)")
        + line("rtppeer.cpp:241", "Disconnect from Alice, MIDI_PORT port. Status MIDI_CONNECTED -> NOT_CONNECTED")
        + line("midirouter.cpp:106", "Removed peer 2") + line("midirouter.cpp:106", "Removed peer 3")

    static let ghost =
        line("rtppeer.cpp:191", MadeLog.invitationMessage("Ghost", initiator: 9, ssrc: 9, channel: "MIDI"))
        + line("local_alsa_peer.cpp:33", "Created alsapeer Ghost, port 9")
        + line("midirouter.cpp:52", "Added peer type=local_alsa_peer_t peer_id=90")
        + line("midirouter.cpp:52", "Added peer type=network_rtpmidi_peer_t peer_id=91")

    static let end = "\u{1b}[0m\n"
    /// The front of a record, up to where a name begins.
    static func front(_ location: String, _ message: String) -> String {
        String(line(location, message).dropLast(end.count))
    }
    static let invites = front("rtppeer.cpp:191", "Got connection request from remote_name=\"")
    static let middle = "\", initiator_id=1  ssrc=2, local_name=\""

    static let attacks: [Attack] = [
        Attack(testDescription: "plain newlines", name: "x\n" + payload + "y"),
        Attack(testDescription: "newlines and Ghost", name: "x\n" + ghost + "y"),
        Attack(testDescription: "closing the record before", name: "x" + end + payload + "y"),
        Attack(testDescription: "closing and opening", name: "x" + end + payload + invites + "x"),
        Attack(testDescription: "whole first line", name: "x\(middle)x\", at port=CONTROL_PORT" + end + payload + "y"),
        Attack(testDescription: "without escape codes", name: "x\n" + payload.replacing("\u{1b}[0m", with: "") + "y"),
        Attack(
            testDescription: "quine",
            name: "x\(middle)x\", at port=CONTROL_PORT" + end
                + line("rtppeer.cpp:307", "Latency Alice: 999.00 ms (server / 3)")
                + line("midirouter.cpp:106", "Removed peer 2") + invites + "x\(middle)x"),
        Attack(
            testDescription: "unknown record",
            name: "x\(middle)x\", at port=CONTROL_PORT" + end + line("midirouter.cpp:106", "Removed peer 2")
                + front("new.cpp:1", "Something new: ")),
        Attack(
            testDescription: "latency around latency",
            name: "Alice: 999.00 ms (server / 3)" + end + payload + front("rtppeer.cpp:307", "Latency Alice")),
        Attack(
            testDescription: "goodbye around goodbye",
            name: "Alice, MIDI_PORT port. Status MIDI_CONNECTED -> NOT_CONNECTED" + end + payload
                + front("rtppeer.cpp:241", "Disconnect from Alice")),
        Attack(
            testDescription: "port around port",
            name: "Alice, port 1" + end + line("midirouter.cpp:106", "Removed peer 2")
                + front("local_alsa_peer.cpp:33", "Created alsapeer Alice")),
        Attack(
            testDescription: "lines of another version",
            name:
                "x\n[rtppeer.cpp:301] Latency Alice: 999.00 ms (server / 3)\n[rtppeer.cpp:240] Disconnect from Alice, "
                + "Control port. Status 2\n[rtpmidid.cpp:138] Remove aseq port 1\ny"),
        Attack(testDescription: "carriage returns", name: "x\r\n" + payload.replacing("\n", with: "\r\n") + "y"),
    ]

    /// Runs the hub's side: log and status in turns.
    struct Hub {
        var reader = LogReader(format: .levelled)
        var tracker = JoinTracker()
        var book = LatencyCorrelator()
        var samples: [LatencyCorrelator.Sample] = []
        var joined: [RawText] = []
        var now = ContinuousClock.now

        mutating func read(_ bytes: [UInt8]) {
            let taken = reader.read(bytes) { fact, range in
                for case .joined(let join, _) in tracker.note(fact, at: range) { joined.append(join.name) }
                book.note(fact, at: range, heard: now)
            }
            #expect(taken == bytes.count)
            now += .seconds(5)
        }

        mutating func ask(_ status: StatusReply) {
            samples += book.note(status, suspicion: tracker.suspicion, during: reader.offset..<reader.offset, now: now)
            tracker.settle(with: status, during: reader.offset..<reader.offset)
            now += .seconds(5)
        }

        /// What is believed of the log without a status reply.
        var believed: [RawText] { tracker.joins.filter { $0.trust != .doubtful }.map(\.name) }
    }

    private func alice(_ last: Double) -> MadeStatus.Entry {
        .init(name: "Alice", ssrc: 5, port: 1, ids: (2, 3), last: last)
    }

    @Test(arguments: attacks, [true, false])
    func `nothing that a name forges is believed`(attack: Attack, stays: Bool) throws {
        var hub = Hub()
        var log = MadeLog()
        log.join("Alice", ssrc: 5, port: 1)
        log.latency("Alice", "2.00")
        hub.read(log.bytes)
        hub.ask(try MadeStatus.reply([alice(2.0)]))
        #expect(hub.samples.map(\.microseconds) == [2000])

        log.bytes = []
        let ids = log.join(attack.name, initiator: 1, ssrc: 2, port: 2)
        log.latency(attack.name, "7.00")
        log.latency("Alice", "3.00")
        if !stays {
            log.bye(attack.name)
            log.remove(ids)
        }
        hub.read(log.bytes)
        #expect(hub.tracker.suspicion?.isOpen == true)
        #expect(hub.tracker.joins.contains { $0.name == "Alice" && $0.port == 1 && $0.alsaID == 2 })
        #expect(!hub.believed.contains("Ghost"))
        let mallory = MadeStatus.Entry(name: attack.name, ssrc: 2, port: 2, ids: ids, last: 7.0)
        hub.ask(try MadeStatus.reply(stays ? [mallory, alice(3.0)] : [alice(3.0)]))
        #expect(hub.tracker.joins.map(\.name).contains("Alice") && !hub.tracker.joins.map(\.name).contains("Ghost"))
        #expect(hub.tracker.suspicion?.isOpen == stays)

        // Later records of Mallory need not be malformed at all: the reply has shown that somebody of such a name is there.
        log.bytes = []
        log.latency("Alice", "4.00")
        if stays {
            log.latency(attack.name, "8.00")
            log.bye(attack.name)
            log.remove(ids)
        }
        hub.read(log.bytes)
        #expect(hub.tracker.joins.contains { $0.name == "Alice" && $0.port == 1 })
        hub.ask(try MadeStatus.reply([alice(4.0)]))
        let figures = hub.samples.filter { $0.key.name == "Alice" }
        #expect(figures.map(\.microseconds) == [2000, 3000, 4000])
        #expect(figures.map(\.source) == [.log, .status, stays ? .status : .log])
        #expect(hub.tracker.suspicion?.isOpen == false)
    }

    @Test(arguments: attacks)
    func `an invitation on the control port alone gives the name away`(attack: Attack) throws {
        var hub = Hub()
        var log = MadeLog()
        log.join("Alice", ssrc: 5, port: 1)
        log.invite(attack.name, initiator: 1, ssrc: 2, channel: "CONTROL")
        hub.read(log.bytes)
        #expect(hub.tracker.suspicion?.isOpen == true)
        #expect(hub.tracker.joins.contains { $0.name == "Alice" && $0.port == 1 })
    }

    @Test func `a hub that starts while somebody can forge believes the first reply only`() throws {
        var hub = Hub()
        let attack = try #require(Self.attacks.first { $0.testDescription == "latency around latency" })
        var log = MadeLog()
        log.bytes = []
        log.latency(attack.name, "2.00")
        for (fact, _) in facts(of: log.bytes) {
            if case .malformed = fact { Issue.record("the attack is not perfect") }
        }
        log.latency("Alice", "2.00")
        hub.read(log.bytes)
        let mallory = MadeStatus.Entry(name: attack.name, ssrc: 2, port: 2, ids: (4, 5), last: 2.0)
        hub.ask(try MadeStatus.reply([alice(2.0), mallory]))
        #expect(hub.samples.isEmpty && hub.tracker.suspicion?.isOpen == true)
    }

    @Test func `after a clean reply the log is believed again, but not what was written before it`() throws {
        var hub = Hub()
        var log = MadeLog()
        log.join("Alice", ssrc: 5, port: 1)
        log.join("x\ny", initiator: 1, ssrc: 2, port: 2)
        hub.read(log.bytes)
        hub.ask(try MadeStatus.reply([alice(0)]))
        #expect(hub.tracker.joins.map(\.trust) == [.confirmed])
        log.bytes = []
        log.latency("Alice", "1.50")
        log.join("Bob", initiator: 6, ssrc: 6, port: 2)
        hub.read(log.bytes)
        #expect(hub.believed == ["Alice", "Bob"])
        hub.ask(try MadeStatus.reply([alice(1.5), .init(name: "Bob", ssrc: 6, port: 2, ids: (6, 7), last: 0)]))
        #expect(hub.samples.map(\.source) == [.log] && hub.samples.map(\.microseconds) == [1500])
    }

    /// The daemon cuts a record at about 1 kB: a name can end in a perfect record there and hide the daemon's own words.
    @Test func `a name that hides behind the cut is noticed by its length`() throws {
        var hub = Hub()
        var log = MadeLog()
        log.join("Alice", ssrc: 5, port: 1)
        hub.read(log.bytes)
        hub.ask(try MadeStatus.reply([alice(0)]))

        let start = "x\(Self.middle)x\", at port=CONTROL_PORT" + Self.end + Self.payload
        let last = Self.front("control_socket.cpp:79", "Control socket ready at /run/")
        let room = 1008 - Self.invites.utf8.count - start.utf8.count - last.utf8.count
        let name = start + last + String(repeating: "x", count: room) + "never seen, being behind the cut"
        log.bytes = []
        log.invite(name, ssrc: 2, channel: "CONTROL")
        for (fact, _) in facts(of: log.bytes, format: .levelled) {
            if case .malformed = fact { Issue.record("the attack is not perfect") }
        }
        log.latency("Alice", "3.00")
        hub.read(log.bytes)
        #expect(hub.tracker.suspicion?.isOpen == true)
        #expect(hub.tracker.joins.contains { $0.name == "Alice" && $0.port == 1 })
        hub.ask(try MadeStatus.reply([alice(3.0)]))
        #expect(hub.samples.map(\.microseconds) == [3000] && hub.samples.map(\.source) == [.status])
    }

    @Test(arguments: [LogFormat.plain, .blank, .timed])
    func `old versions' records do not betray their reader either`(format: LogFormat) {
        let front =
            switch format {
            case .timed: "\u{1b}[0;37m[2026-11-20T23:51:41Z] [rtppeer.cpp:191]\u{1b}[0m "
            case .blank: " [rtppeer.cpp:195] "
            default: "[rtppeer.cpp:195] "
            }
        let record = { (name: String) in
            "\(front)Got connection request from \(name), initiator_id: 1 (true) ssrc: 2, name: \(name), at control? true\n"
        }
        let forged = "\(front)Latency Alice: 999.00 ms (server / 3)\n"
        let middle = ", initiator_id: 1 (true) ssrc: 2, name: "
        for name in [
            "x\n\(forged)y", "x\n\(forged)\(front)Got connection request from x",
            "x\(middle)x, at control? true\n\(forged)\(front)Got connection request from x\(middle)x",
            "Alice: 999.00 ms (server / 3)\n\(forged)\(front)Latency Alice",
        ] {
            var book = LatencyCorrelator()
            var tracker = JoinTracker()
            let now = ContinuousClock.now
            for (fact, range) in facts(of: Array((record("Alice") + record(name)).utf8)) {
                _ = tracker.note(fact, at: range)
                book.note(fact, at: range, heard: now)
            }
            #expect(tracker.suspicion?.isOpen == true)
            let key = SessionKey(name: "Alice", ssrc: 2)
            #expect(book.noteNoStatus(present: [key], suspicion: tracker.suspicion, now: now).isEmpty)
        }
    }

    @Test func `names made of pieces of records never get a line believed without a doubt`() throws {
        var random = SeededRandom(seed: 11)
        let pieces = [
            Self.payload, Self.ghost, Self.end, "\n", Self.invites, Self.middle, "x", "\", at port=CONTROL_PORT",
            "Alice",
            Self.front("rtppeer.cpp:307", "Latency "), ": 999.00 ms (server / 3)", "\u{1b}[1;33m", "[INFO ] ",
            ", port 1",
        ]
        for _ in 0..<2_000 {
            let name = (0..<(2 + random.next(below: 8))).map { _ in pieces[random.next(below: pieces.count)] }.joined()
            guard name.contains("\n") else { continue }
            var hub = Hub()
            var log = MadeLog()
            log.join("Alice", ssrc: 5, port: 1)
            log.join(name, initiator: 1, ssrc: 2, port: 2)
            hub.read(log.bytes)
            #expect(hub.tracker.suspicion?.isOpen == true, "\(name.debugDescription)")
            #expect(hub.tracker.joins.contains { $0.name == "Alice" && $0.alsaID == 2 }, "\(name.debugDescription)")
        }
    }
}

/// A status reply in the words of 26.01.
enum MadeStatus {
    struct Entry {
        let name: String
        let ssrc: UInt32
        let port: Int
        let ids: (alsa: Int, network: Int)
        let last: Double
        var average: Double? = nil
        var controlPort = 21000
    }

    static func reply(_ entries: [Entry]) throws -> StatusReply {
        let text = { (name: String) in
            "\""
                + name.unicodeScalars.map {
                    switch $0 {
                    case "\"": "\\\""
                    case "\\": "\\\\"
                    case _ where $0.value < 0x20: "\\u00" + ($0.value < 16 ? "0" : "") + String($0.value, radix: 16)
                    default: String($0)
                    }
                }.joined() + "\""
        }
        let nodes = entries.map { entry in
            """
            {"id":\(entry.ids.network),"name":\(text(entry.name)),"peer":{"latency_ms":{"average":\(entry.average ?? entry.last),\
            "last":\(entry.last),"stddev":0.0},"local":{"sequence_number":1},"remote":{"hostname":"::ffff:10.0.0.1",\
            "name":\(text(entry.name)),"port":\(entry.controlPort),"sequence_number":0,"ssrc":\(entry.ssrc)},"status":"3"},\
            "send_to":[\(entry.ids.alsa)],"stats":{"recv":0,"sent":0},"type":"network_rtpmidi_peer_t"},\
            {"id":\(entry.ids.alsa),"name":\(text(entry.name)),"port":\(entry.port),"send_to":[\(entry.ids.network)],\
            "stats":{"recv":0,"sent":0},"type":"local_alsa_peer_t"}
            """
        }
        let json = "{\"id\":1,\"result\":{\"router\":[\(nodes.joined(separator: ","))],\"version\":\"26.01\"}}"
        guard case .status(let status) = ControlReply(Array(json.utf8)) else {
            throw RtpmididFixture.Mismatch(text: json)
        }
        return status
    }
}
