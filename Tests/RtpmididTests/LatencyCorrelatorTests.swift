import Rtpmidid
import Testing

@Suite struct RtpmididLatencyBookTests {
    private let start = ContinuousClock.now

    private func entry(
        _ name: String, _ last: Double, ssrc: UInt32 = 5, port: Int = 1, average: Double? = nil
    ) -> MadeStatus.Entry {
        .init(name: name, ssrc: ssrc, port: port, ids: (port * 2, port * 2 + 1), last: last, average: average)
    }

    /// A book with a log whose lines are 100 bytes long.
    private struct Desk {
        var book = LatencyCorrelator()
        var offset: UInt64 = 0
        var now: ContinuousClock.Instant
        var suspicion: Suspicion?

        mutating func line(
            _ name: RawText, _ microseconds: Int, role: LogFact.LatencyRole = .server, isOld: Bool = false
        ) {
            book.note(
                .latency(name: name, microseconds: microseconds, role: role), at: offset..<(offset + 100),
                heard: isOld ? nil : now)
            offset += 100
        }

        mutating func ask(_ entries: [MadeStatus.Entry]) throws -> [LatencyCorrelator.Sample] {
            book.note(try MadeStatus.reply(entries), suspicion: suspicion, during: offset..<offset, now: now)
        }
    }

    @Test func `a log line is believed when the reply shows its figure, and those before it too`() throws {
        var desk = Desk(now: start)
        desk.line("Ann", 1500)
        desk.line("Ann", 2500)
        #expect(try desk.ask([entry("Ann", 2.5)]).map(\.microseconds) == [1500, 2500])
        desk.line("Ann", 3000)
        let samples = try desk.ask([entry("Ann", 3.0)])
        #expect(samples.map(\.microseconds) == [3000] && samples[0].source == .log && samples[0].offset == 200)
        #expect(samples[0].key == SessionKey(name: "Ann", ssrc: 5) && samples[0].heard == start)
        #expect(try desk.ask([entry("Ann", 3.0)]).isEmpty)
    }

    @Test func `a line that is newer than the reply waits for the next one`() throws {
        var desk = Desk(now: start)
        desk.line("Ann", 1500)
        desk.line("Ann", 2500)
        #expect(try desk.ask([entry("Ann", 1.5)]).map(\.microseconds) == [1500])
        #expect(try desk.ask([entry("Ann", 2.5)]).map(\.microseconds) == [2500])
    }

    @Test func `a reply that is newer than the log waits for the line`() throws {
        var desk = Desk(now: start)
        _ = try desk.ask([entry("Ann", 1.0)])
        #expect(try desk.ask([entry("Ann", 2.0)]).isEmpty)
        desk.line("Ann", 2000)
        desk.line("Ann", 4000)
        #expect(try desk.ask([entry("Ann", 4.0)]).map(\.microseconds) == [2000, 4000])
    }

    @Test func `a log that does not tell what the daemon knows is left for the replies`() throws {
        var desk = Desk(now: start)
        _ = try desk.ask([entry("Ann", 1.0)])
        var samples: [LatencyCorrelator.Sample] = []
        for last in [2.0, 3.0, 3.0, 4.0] {
            desk.line("Ann", 999_000)
            samples += try desk.ask([entry("Ann", last)])
        }
        #expect(samples.map(\.microseconds) == [3000, 4000] && samples.allSatisfy { $0.source == .status })
    }

    @Test func `equal names are told apart by the reply alone`() throws {
        var desk = Desk(now: start)
        let ask = { (desk: inout Desk, a: Double, b: Double) in
            try desk.ask([entry("Twin", a, ssrc: 1, port: 1), entry("Twin", b, ssrc: 2, port: 2)])
        }
        desk.line("Twin", 1000)
        desk.line("Twin", 2000)
        #expect(try ask(&desk, 1.0, 2.0).isEmpty)
        desk.line("Twin", 3000)
        let samples = try ask(&desk, 1.0, 3.0)
        #expect(samples.map(\.key.ssrc) == [2] && samples[0].microseconds == 3000 && samples[0].source == .status)
        #expect(try ask(&desk, 1.5, 3.0).map(\.key.ssrc) == [1])
    }

    @Test func `who comes and goes between two replies leaves no figure to somebody of the same name`() throws {
        for leavesFirst in [true, false] {
            var desk = Desk(now: start)
            if !leavesFirst { _ = try desk.ask([entry("Ann", 1.0)]) }
            let other = LogFact.Invitation(name: "Ann", initiator: 1, ssrc: leavesFirst ? 5 : 6, channel: .control)
            desk.line("Ann", leavesFirst ? 50_000 : 1500)
            desk.book.note(.invitation(other), at: desk.offset..<(desk.offset + 100), heard: start)
            desk.offset += 100
            desk.line("Ann", leavesFirst ? 1500 : 50_000)
            if !leavesFirst { desk.line("Ann", 2000) }
            let samples = try desk.ask([entry("Ann", leavesFirst ? 1.5 : 2.0)])
            #expect(samples.map(\.microseconds) == [leavesFirst ? 1500 : 2000])
            #expect(samples.map(\.source) == [leavesFirst ? .log : .status])
        }
    }

    @Test func `a reply that tells no latency leaves the lines of a name that is alone`() throws {
        var desk = Desk(now: start)
        desk.line("Ann", 1500)
        let json = """
            {"result":{"version":"23.12","router":[{"id":2,"type":"local:alsa:listener","name":"Ann","send_to":[3]},\
            {"id":3,"type":"network:rtpmidi:peer","name":"Ann","send_to":[2],"peer":{"remote":{"name":"Ann","ssrc":7}}}]}}
            """
        guard case .status(let status) = ControlReply(Array(json.utf8)) else {
            throw RtpmididFixture.Mismatch(text: json)
        }
        #expect(desk.book.note(status, suspicion: nil, during: 100..<100, now: start).map(\.microseconds) == [1500])
    }

    @Test func `a captured ghost is found`() throws {
        let bytes = try RtpmididFixture.timedLines("26.01-ghost-after-join.timed.log")
        var reader = LogReader()
        var tracker = JoinTracker()
        var book = LatencyCorrelator()
        var now = start
        var silent: Set<RawText> = []
        for (seconds, line) in bytes {
            now = start + .milliseconds(Int64(seconds * 1000))
            _ = reader.read(line) { fact, range in
                _ = tracker.note(fact, at: range)
                book.note(fact, at: range, heard: now)
            }
            _ = book.noteNoStatus(present: tracker.present, suspicion: tracker.suspicion, now: now)
            for key in tracker.present {
                if case .silent = book.silence(of: key, now: now) { silent.insert(key.name) }
            }
        }
        #expect(silent == ["Ghost1"])
        let keys = Dictionary(uniqueKeysWithValues: tracker.present.map { ($0.name, $0) })
        guard case .ghostSuspect = book.silence(of: try #require(keys["Ghost1"]), now: now) else {
            Issue.record("Ghost1 was not found")
            return
        }
        #expect(book.silence(of: try #require(keys["Live2"]), now: now) == .fresh)
    }

    @Test func `duplicate ports of one session are one participant`() throws {
        var desk = Desk(now: start)
        desk.line("Phone", 6600)
        let status = try RtpmididFixture.status("26.01-same-name-reinvite-status.json")
        let samples = desk.book.note(status, suspicion: nil, during: 100..<100, now: start)
        #expect(samples.map(\.microseconds) == [6600] && samples[0].key.ssrc == 2_747_231_310)
    }

    @Test func `a doubt between two confirmations rejects the lines, and the reply is the sample`() throws {
        var desk = Desk(now: start)
        desk.line("Ann", 1000)
        _ = try desk.ask([entry("Ann", 1.0)])
        desk.line("Ann", 999_000)
        desk.line("Ann", 2000)
        desk.suspicion = Suspicion(from: 0, until: 150)
        let samples = try desk.ask([entry("Ann", 2.0)])
        #expect(samples.map(\.microseconds) == [2000] && samples[0].source == .status)
        desk.line("Ann", 3000)
        #expect(try desk.ask([entry("Ann", 3.0)]).map(\.source) == [.log])
    }

    @Test func `without a reply, lines of a name that is alone are believed`() {
        var desk = Desk(now: start)
        desk.line("Ann", 1000)
        desk.line("Twin", 2000)
        desk.line("Ann", 3000)
        desk.line("Nobody", 4000)
        let present = [
            SessionKey(name: "Ann", ssrc: 1), SessionKey(name: "Twin", ssrc: 2), SessionKey(name: "Twin", ssrc: 3),
        ]
        #expect(
            desk.book.noteNoStatus(present: present, suspicion: nil, now: start).map(\.microseconds) == [1000, 3000])
        desk.line("Ann", 5000)
        #expect(desk.book.noteNoStatus(present: present, suspicion: Suspicion(from: 0), now: start).isEmpty)
        #expect(desk.book.noteNoStatus(present: present, suspicion: nil, now: start).isEmpty)
    }

    @Test func `only what concerns participants is taken`() throws {
        var desk = Desk(now: start)
        desk.line("Ann", 1000, role: .client)
        desk.line("Ann", -1000)
        desk.book.note(.noise, at: 0..<1, heard: start)
        #expect(
            desk.book.noteNoStatus(present: [SessionKey(name: "Ann", ssrc: nil)], suspicion: nil, now: start).isEmpty)
    }

    @Test func `a line read after an outage is a sample, and no sign of life now`() throws {
        var desk = Desk(now: start)
        _ = try desk.ask([entry("Ann", 1.0)])
        desk.now += .seconds(40)
        desk.line("Ann", 1000, isOld: true)
        #expect(try desk.ask([entry("Ann", 1.0)]).map(\.heard) == [nil])
        let key = SessionKey(name: "Ann", ssrc: 5)
        #expect(desk.book.silence(of: key, now: desk.now) == .silent(since: start))
    }

    @Test func `who does not sync any more is silent, then a ghost suspect, and fresh again by a line or a change`()
        throws
    {
        var desk = Desk(now: start)
        let key = SessionKey(name: "Ann", ssrc: 5)
        #expect(desk.book.silence(of: key, now: start) == nil)
        _ = try desk.ask([entry("Ann", 1.0)])
        #expect(desk.book.silence(of: key, now: start + .seconds(35)) == .fresh)
        #expect(desk.book.silence(of: key, now: start + .seconds(36)) == .silent(since: start))
        #expect(desk.book.silence(of: key, now: start + .seconds(66)) == .ghostSuspect(since: start))
        desk.now = start + .seconds(70)
        desk.line("Ann", 1000)
        #expect(desk.book.silence(of: key, now: desk.now) == .fresh)
        desk.now += .seconds(66)
        _ = try desk.ask([entry("Ann", 1.0)])
        #expect(desk.book.silence(of: key, now: desk.now) == .ghostSuspect(since: start + .seconds(70)))
        _ = try desk.ask([entry("Ann", 1.0, average: 1.1)])
        #expect(desk.book.silence(of: key, now: desk.now) == .fresh)
        _ = try desk.ask([])
        #expect(desk.book.silence(of: key, now: desk.now) == nil)
    }

    @Test(arguments: [(pause: 10, silentAfter: 24), (25, 35), (1, 6)])
    func `whose pace is known is silent after two missed syncs`(pause: Int, silentAfter: Int) throws {
        var desk = Desk(now: start)
        let key = SessionKey(name: "Ann", ssrc: 5)
        _ = try desk.ask([entry("Ann", 1.0)])
        // As initiators do, which ask more often at first.
        for _ in 0..<6 {
            desk.now += .seconds(2)
            desk.line("Ann", 1000)
        }
        #expect(desk.book.silence(of: key, now: desk.now + .seconds(34)) == .fresh)
        for _ in 0..<14 {
            desk.now += .seconds(pause)
            desk.line("Ann", 1000)
        }
        let last = desk.now
        #expect(desk.book.silence(of: key, now: last + .seconds(silentAfter)) == .fresh)
        // A change because the daemon forgot an old figure is no sign of life.
        desk.now += .seconds(5)
        _ = try desk.ask([entry("Ann", 1.0, average: 1.3)])
        #expect(desk.book.silence(of: key, now: last + .seconds(silentAfter + 1)) == .silent(since: last))
        #expect(desk.book.silence(of: key, now: last + .seconds(66)) == .ghostSuspect(since: last))
        desk.now = last + .seconds(70)
        desk.line("Ann", 1000)
        #expect(desk.book.silence(of: key, now: desk.now) == .fresh)
    }

    @Test func `of two twins the one that syncs is fresh, even with the same figure again`() throws {
        var desk = Desk(now: start)
        let twins = [entry("Twin", 0.3, ssrc: 1, port: 1), entry("Twin", 0.7, ssrc: 2, port: 2)]
        _ = try desk.ask(twins)
        for _ in 0..<8 {
            desk.now += .seconds(10)
            desk.line("Twin", 300)
            _ = try desk.ask(twins)
        }
        #expect(desk.book.silence(of: SessionKey(name: "Twin", ssrc: 1), now: desk.now) == .fresh)
        #expect(desk.book.silence(of: SessionKey(name: "Twin", ssrc: 2), now: desk.now) == .ghostSuspect(since: start))
    }

    @Test func `captured logs and replies agree`() throws {
        var book = LatencyCorrelator()
        var tracker = JoinTracker()
        var reader = LogReader()
        let log = try RtpmididFixture.bytes("26.01-two-participants.log")
        var samples: [LatencyCorrelator.Sample] = []
        // Each reply was asked for after as many latency lines.
        let replies = [(2, "1"), (8, "2"), (12, "2-after"), (16, "A-rejoined")]
        var heard = 0
        var asked = 0
        var readTo: UInt64 = 0
        _ = reader.read(log) { fact, range in
            _ = tracker.note(fact, at: range)
            book.note(fact, at: range, heard: start)
            readTo = range.upperBound
            guard case .latency = fact else { return }
            heard += 1
            while asked < replies.count, replies[asked].0 == heard {
                if let status = try? RtpmididFixture.status("26.01-two-status-\(replies[asked].1).json") {
                    samples += book.note(status, suspicion: tracker.suspicion, during: readTo..<readTo, now: start)
                }
                asked += 1
            }
        }
        let figures = { (name: RawText, ssrc: UInt32) in
            samples.filter { $0.key == SessionKey(name: name, ssrc: ssrc) }.map(\.microseconds)
        }
        #expect(samples.count == 16 && samples.allSatisfy { $0.source == .log })
        #expect(figures("Alice-keys", 0x4F89) == [10200, 2900, 700, 3800, 5700, 1300])
        #expect(figures("Alice-keys", 0xA798) == [7600, 8300, 2000])
        #expect(figures("Bob-keys", 0x5DAA) == [15100, 1900, 2100, 7700, 2600, 4500, 3900])
    }

    @Test func `memory is bounded whatever the log says`() throws {
        var desk = Desk(now: start)
        for number in 0..<20_000 { desk.line(RawText("n\(number % 3000)"), number) }
        for number in 0..<1_000 { desk.line("Ann", number) }
        let samples = desk.book.noteNoStatus(present: [SessionKey(name: "Ann", ssrc: 1)], suspicion: nil, now: start)
        #expect(samples.count == 64 && samples.last?.microseconds == 999)
    }
}
