import Foundation
import HTTP
import Hub
import Store
import Testing
import WebAPI

/// What the stream says of one snapshot after another.
struct StreamViewsTests {
    private let now = Timestamp(milliseconds: 1_700_000_000_000)

    private func piano(_ id: Int64 = 1, rtt: Double? = nil, at: Int64 = 0) -> Snapshot.Participant {
        let trip = rtt.map {
            #", "rtt": {"last": \#($0), "average": 1, "min": 1, "max": 9, "samples": 1, "lastAt": \#(now.milliseconds + at)}"#
        }
        return decode(
            """
            {"id": \(id), "name": "Piano \(id)", "room": "Hall", "port": 5004, "engine": "embedded", "since": 1,
            "state": "present", "sends": true, "receives": true, "address": "192.0.2.7", "ssrc": 9\(trip ?? "")}
            """)
    }

    private func decode<Value: Decodable>(_ json: String) -> Value {
        try! JSONDecoder().decode(Value.self, from: Data(json.utf8))  // the test's own words
    }

    private func snapshot(_ people: [Snapshot.Participant], wires: [Snapshot.Wire] = [], cells: [Snapshot.Wire] = [])
        -> Snapshot
    {
        var snapshot = SnapshotStore().snapshot
        (snapshot.participants, snapshot.wires, snapshot.pairs) = (people, wires, wires + cells)
        return snapshot
    }

    private func wire(_ from: Int64, _ to: Int64, reason: String? = nil) -> Snapshot.Wire {
        decode(
            #"{"room": "Hall", "from": \#(from), "to": \#(to), "fromName": "", "toName": ""\#(reason.map { #", "reason": "\#($0)""# } ?? "")}"#
        )
    }

    /// The data of a view's message, change or whole.
    private func data(_ update: StreamUpdate, _ view: StreamView, whole: Bool = false) throws -> [String: Any]? {
        guard let state = update.states.first(where: { $0.topic == view.topic }),
            let bytes = whole ? state.whole?() : state.change
        else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 4 && lines[0] == "event: \(view.rawValue)" && lines[2].isEmpty && lines[3].isEmpty)
        return try JSONSerialization.jsonObject(with: Data(lines[1].dropFirst("data: ".count).utf8)) as? [String: Any]
    }

    @Test func `the first tick has everything whole, and one in which nothing changes is none`() throws {
        var views = StreamViews(points: [:])
        let first = views.update(to: snapshot([piano()]), isWatched: true, now: now)
        #expect(first.states.map(\.topic) == StreamView.allCases.dropLast(2).map(\.topic))
        #expect((try data(first, .participants, whole: true)?["all"] as? [[String: Any]])?.count == 1)
        #expect(try data(first, .participants, whole: true).map { "\($0)".contains("192.0.2.7") } == false)
        #expect(try data(first, .participants, whole: true).map { "\($0)".contains("ssrc") } == false)
        let engines = try #require((try data(first, .status, whole: true)?["all"] as? [String: Any])?["engines"])
        #expect(!"\(engines)".contains("logRead"))
        #expect(views.update(to: snapshot([piano()]), isWatched: true, now: now).isEmpty)
    }

    @Test func `who changes comes whole, who is gone by id`() throws {
        var views = StreamViews(points: [:])
        _ = views.update(to: snapshot([piano(1), piano(2), piano(3)]), isWatched: true, now: now)
        var silent = piano(2)
        silent.state = .silent
        let update = views.update(to: snapshot([piano(1), silent]), isWatched: true, now: now)
        let change = try #require(try data(update, .participants))
        #expect((change["changed"] as? [[String: Any]])?.map { $0["state"] as? String } == ["silent"])
        #expect(change["removed"] as? [Int] == [3])
        let unwatched = views.update(to: snapshot([piano(1)]), isWatched: false, now: now)
        #expect(try data(unwatched, .participants) == nil)
        #expect((try data(unwatched, .participants, whole: true)?["all"] as? [[String: Any]])?.count == 1)
    }

    @Test func `a pair is a wire or has a reason`() throws {
        var views = StreamViews(points: [:])
        _ = views.update(to: snapshot([], wires: [wire(1, 2), wire(2, 1), wire(1, 3)]), isWatched: true, now: now)
        let update = views.update(
            to: snapshot([], wires: [wire(2, 1)], cells: [wire(1, 2, reason: "blocked")]), isWatched: true, now: now)
        let change = try #require(try data(update, .wires))
        let changed = try #require(change["changed"] as? [[String: Any]])
        #expect(changed.count == 1 && changed[0]["reason"] as? String == "blocked" && changed[0]["to"] as? Int == 2)
        #expect(change["removed"] as? [String] == ["1-3"])
    }

    @Test func `of latency only new points are told, and ten minutes are kept`() throws {
        var views = StreamViews(points: [
            1: [LatencyPoint(at: now.advanced(by: .seconds(-5)), count: 1, average: 7000, least: 7000, most: 7000)]
        ])
        func points(_ update: StreamUpdate, _ key: String) throws -> [[Double]]? {
            let list = try data(update, .latency, whole: key == "all")?[key] as? [[String: Any]]
            return list?.first?["points"] as? [[Double]]
        }
        let at = Double(now.milliseconds)
        _ = views.update(to: snapshot([piano()]), isWatched: true, now: now)
        let one = views.update(to: snapshot([piano(rtt: 8.5)]), isWatched: true, now: now)
        #expect(try points(one, "changed") == [[at, 8.5]])
        #expect(try points(one, "all") == [[at - 5000, 7], [at, 8.5]])
        #expect(views.update(to: snapshot([piano(rtt: 8.5)]), isWatched: true, now: now).isEmpty)
        let later = views.update(
            to: snapshot([piano(rtt: 9, at: 597_000)]), isWatched: true, now: now.advanced(by: .seconds(597)))
        #expect(try points(later, "all") == [[at, 8.5], [at + 597_000, 9]])
    }

    @Test func `events follow each other without a gap, or there is a reset`() {
        var views = StreamViews(points: [:])
        func record(_ ids: ClosedRange<Int64>) -> StreamUpdate {
            views.recorded(ids.map { EventRecord(id: $0, at: TimeRange(now), kind: .unknown, text: "two\nlines") })
        }
        let first = record(5...6)
        #expect(!first.resets && first.events.map(\.id) == [5, 6])
        #expect(first.events[0].bytes.count { $0 == 10 } == 4, "a line end in a text ends no line")
        #expect(!record(7...7).resets)
        #expect(record(1...2).resets, "a store begun anew")
        views.lostEvents()
        #expect(record(3...3).resets)
        #expect(!record(4...4).resets)
    }

    @Test func `views are asked for by name`() {
        #expect(StreamView.parse(nil)?.topics.rawValue == 511)
        #expect(StreamView.parse(nil)?.events == true)
        #expect(
            StreamView.parse("participants,event").map { ($0.topics == StreamView.participants.topic) && $0.events }
                == true)
        #expect(StreamView.parse("latency")?.events == false)
        for text in ["", "latency,", "Status", "all"] { #expect(StreamView.parse(text) == nil) }
    }
}
