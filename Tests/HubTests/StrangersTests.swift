import Hub
import Store
import Testing

struct StrangersTests {
    private static let start: Int64 = 1_700_000_000_000
    private static func moment(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: start + seconds * 1000) }

    /// What is recorded of those who come and go, by kind.
    private struct Crowd {
        var strangers = Strangers(now: StrangersTests.moment(0))
        var recorded: [Change] = []

        mutating func tell(_ change: Change, at seconds: Int64) {
            if strangers.admit(change, at: StrangersTests.moment(seconds)) { recorded.append(change) }
        }

        mutating func joins(_ id: Int64, from address: String?, at seconds: Int64) {
            tell(.visit(Self.visit(id, address, seconds)), at: seconds)
            tell(Self.event(id, .joined, seconds), at: seconds)
        }

        mutating func leaves(_ id: Int64, from address: String?, after joined: Int64, at seconds: Int64) {
            var visit = Self.visit(id, address, joined)
            visit.left = TimeRange(StrangersTests.moment(seconds))
            tell(.visit(visit), at: seconds)
            tell(Self.event(id, .left, seconds), at: seconds)
        }

        static func visit(_ id: Int64, _ address: String?, _ seconds: Int64) -> Visit {
            Visit(
                id: id, room: "Hall", engine: "embedded", port: 5004, name: "P", address: address,
                joined: TimeRange(StrangersTests.moment(seconds)))
        }
        static func event(_ id: Int64, _ kind: EventKind, _ seconds: Int64) -> Change {
            .event(
                EventRecord(at: TimeRange(StrangersTests.moment(seconds)), kind: kind, visit: id, text: kind.rawValue))
        }

        var visits: Set<Int64> {
            Set(recorded.compactMap { if case .visit(let visit) = $0 { visit.id } else { nil } })
        }
        var events: [String] {
            recorded.compactMap { if case .event(let event) = $0 { event.kind.rawValue } else { nil } }
        }
    }

    private func crowd(_ range: Range<Int64>, from address: (Int64) -> String?) -> Crowd {
        var crowd = Crowd()
        for id in range {
            crowd.joins(id, from: address(id), at: 0)
            let sample = LatencySample(visit: id, at: TimeRange(Self.moment(0)), roundTrip: 1, trust: .confirmed)
            crowd.tell(.latency(sample), at: 0)
            crowd.leaves(id, from: address(id), after: 0, at: 1)
        }
        return crowd
    }

    @Test func `who comes and goes as people do is on record`() {
        let crowd = crowd(1..<101) { _ in "192.0.2.66" }
        #expect(crowd.visits.count == 100)
        #expect(crowd.events.count == 200)
        #expect(crowd.recorded.count == 500)
    }

    @Test func `ten thousand short visits of one address cost what a hundred do, and are told as one event`() throws {
        // Each visit comes from another port, as computers choose them.
        var crowd = crowd(1..<10_001) { "192.0.2.66:\(1024 + $0)" }
        #expect(crowd.recorded.count == 500)
        #expect(crowd.strangers.due(at: Self.moment(3600)).isEmpty)
        let count = crowd.strangers.drainCount(at: Self.moment(3600))
        let told = try #require(count)
        #expect(told.text.contains("9900, from one address") && !told.text.contains("192.0.2.66"))
        #expect(told.address == "192.0.2.66")
        #expect(crowd.strangers.drainCount(at: Self.moment(3601)) == nil)
        #expect(!crowd.strangers.isBusy)
    }

    @Test func `the addresses of one IPv6 network are one, and do not use up the places of others`() {
        var crowd = crowd(1..<1001) { "[2001:db8::\($0)]:5004" }
        #expect(crowd.visits.count == 100)
        crowd.joins(2000, from: "192.0.2.1:5004", at: 2)
        #expect(crowd.visits.contains(2000))
        #expect(crowd.strangers.drainCount(at: Self.moment(3))?.address == "2001:db8::/64")
    }

    @Test func `a crowd from everywhere is bounded too`() {
        let crowd = crowd(1..<5001) { "10.0.\($0 / 256).\($0 % 256)" }
        #expect(crowd.visits.count == 2000)
        for unknown in [nil, "nonsense", "127.0.0.1:5004"] {
            #expect(self.crowd(1..<5001) { _ in unknown }.visits.count == 2000)
        }
    }

    @Test func `one who stays is recorded as it came, with what was told of it, whoever shares its address`() {
        var crowd = crowd(1..<1001) { _ in "192.0.2.66" }
        crowd.recorded = []
        crowd.joins(5000, from: "192.0.2.66", at: 10)
        #expect(crowd.recorded.isEmpty)
        #expect(crowd.strangers.due(at: Self.moment(69)).isEmpty)
        let due = crowd.strangers.due(at: Self.moment(70))
        #expect(due == [.visit(Crowd.visit(5000, "192.0.2.66", 10)), Crowd.event(5000, .joined, 10)])
        crowd.leaves(5000, from: "192.0.2.66", after: 10, at: 80)
        #expect(crowd.events == ["left"])
    }

    @Test func `one that waited and left late is recorded whole`() {
        var crowd = crowd(1..<1001) { _ in "192.0.2.66" }
        crowd.recorded = []
        crowd.joins(5000, from: "192.0.2.66", at: 10)
        crowd.leaves(5000, from: "192.0.2.66", after: 10, at: 75)
        #expect(crowd.recorded.isEmpty)
        let due = crowd.strangers.due(at: Self.moment(76))
        #expect(due.count == 3)
        #expect(Array(due.dropFirst()) == [Crowd.event(5000, .joined, 10), Crowd.event(5000, .left, 75)])
    }

    @Test func `after a while an address may be recorded again`() {
        var crowd = crowd(1..<1001) { _ in "192.0.2.66" }
        crowd.recorded = []
        for id in Int64(2000)..<2010 { crowd.joins(id, from: "192.0.2.66", at: 300) }
        #expect(crowd.visits.count == 5)
    }

    @Test func `what is on record already is written on, also after the store was lost`() {
        var crowd = Crowd()
        crowd.strangers = Strangers(recorded: [7], now: Self.moment(0))
        for _ in 0..<3000 { crowd.tell(.visit(Crowd.visit(7, "192.0.2.66", -5000)), at: 0) }
        #expect(crowd.recorded.count == 3000)
        crowd.leaves(7, from: "192.0.2.66", after: -5000, at: 1)
        #expect(crowd.recorded.count == 3002)
    }

    @Test func `who measures all the time has some round trips at first and then one a second on record`() {
        var crowd = Crowd()
        crowd.joins(1, from: "192.0.2.1", at: 0)
        crowd.recorded = []
        // All of it is told at once, as by the log of an engine whose hub was away.
        func measures(_ count: Int, at seconds: Int64, _ trust: LatencySample.Trust = .confirmed) {
            let sample = LatencySample(visit: 1, at: TimeRange(Self.moment(seconds)), roundTrip: 1, trust: trust)
            for _ in 0..<count { crowd.tell(.latency(sample), at: 1000) }
        }
        measures(1000, at: 0)
        #expect(crowd.recorded.count == 60)
        for second in Int64(1)...10 { measures(1000, at: second) }
        #expect(crowd.recorded.count == 70)
        // Unconfirmed samples do not use up the limit.
        measures(9, at: 10, .unconfirmed)
        measures(1, at: 11)
        #expect(crowd.recorded.count == 80)
        for second in Int64(2)...100 { measures(1, at: second * 10) }
        #expect(crowd.recorded.count == 179)
    }

    @Test func `those who are not let in are bounded likewise`() {
        var crowd = Crowd()
        for number in 0..<5000 {
            let event = EventRecord(
                at: TimeRange(Self.moment(0)), kind: .refused, text: "", address: "2001:db8::\(number)")
            crowd.tell(.event(event), at: 0)
        }
        #expect(crowd.recorded.count == 100)
    }
}
