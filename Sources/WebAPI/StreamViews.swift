import EngineProtocol
package import HTTP
package import Hub
package import Store

/// What the stream shows, a topic each.
package enum StreamView: String, CaseIterable {
    case status, participants, wires, rooms, connections, offers, failover, latency, activity, sounding

    package var topic: Topics {
        let index = Self.allCases.firstIndex(of: self)!  // allCases has every case
        return Topics(rawValue: 1 << UInt32(index))
    }

    /// The topics of `?views=`, and whether events are wanted; nil where a word is none of them. What sounds is for those
    /// who ask for it: the engines are asked for their sake.
    package static func parse(_ text: String?) -> (topics: Topics, events: Bool)? {
        guard let text else { return (Topics(allCases.filter { $0 != .sounding }.map(\.topic)), true) }
        var wanted: (topics: Topics, events: Bool) = ([], false)
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            if word == "event" {
                wanted.events = true
            } else if let view = StreamView(rawValue: String(word)) {
                wanted.topics.insert(view.topic)
            } else {
                return nil
            }
        }
        return wanted
    }

    func message(_ data: some Encodable) -> [UInt8] {
        Array("event: \(rawValue)\ndata: \(JSON.text(data))\n\n".utf8)
    }
}

/// Turns snapshots into ticks of the stream: what has changed since the one before, and how to say the whole.
package struct StreamViews {
    private struct Whole<Item: Encodable>: Encodable { let all: Item }
    private struct Change<Item: Encodable, ID: Encodable>: Encodable {
        let changed: [Item]
        let removed: [ID]
    }
    private struct Gain<Item: Encodable>: Encodable { let changed: [Item] }
    private struct Points: Encodable, Equatable, Sendable {
        let participant: Int64
        var points: [Point]
    }
    /// [Unix milliseconds, round trip in milliseconds].
    fileprivate struct Point: Encodable, Equatable, Sendable {
        let at: Int64
        let rtt: Double
        func encode(to encoder: any Encoder) throws {
            var container = encoder.unkeyedContainer()
            try container.encode(at)
            try container.encode(rtt)
        }
    }
    private struct Played: Encodable {
        let participant: Int64
        let notes: Int
    }

    private static let mostPoints = 600

    private var last: Snapshot?
    private var sounding: [API.Sounds] = []
    private var points: [Int64: [Point]]
    private var lastEvent: Int64 = 0
    private var hasLostEvents = false

    /// `points`: what is on record of those who may still be there, in the order of time.
    package init(points: [Int64: [LatencyPoint]]) {
        self.points = points.mapValues { list in
            list.map { Point(at: $0.at.milliseconds, rtt: $0.average / 1000) }
        }
    }

    /// The tick that leads to `snapshot`. `isWatched` is false where nobody is there to be told of changes.
    package mutating func update(to snapshot: Snapshot, isWatched: Bool, now: Timestamp) -> StreamUpdate {
        var update = StreamUpdate()
        let old = last
        last = snapshot
        let status = API.Status(snapshot).withoutByteCounts
        if old.map({ API.Status($0).withoutByteCounts }) != status {
            update.states.append(
                .init(
                    topic: StreamView.status.topic,
                    change: isWatched ? StreamView.status.message(Whole(all: status)) : nil
                ) { StreamView.status.message(Whole(all: status)) })
        }
        let hidden = snapshot.participants.map(\.withoutAddress)
        add(.participants, old?.participants.map(\.withoutAddress), hidden, isWatched, to: &update) { $0.id }
        add(.wires, old?.pairs, snapshot.pairs, isWatched, to: &update) { "\($0.from)-\($0.to)" }
        add(.rooms, old?.rooms, snapshot.rooms, isWatched, to: &update) { $0.name }
        add(
            .connections, old?.connections.map(API.hidden), snapshot.connections.map(API.hidden), isWatched, to: &update
        ) {
            "\($0.room)/\($0.name)"
        }
        add(
            .offers, old?.offers.map(\.withoutAddress), snapshot.offers.map(\.withoutAddress), isWatched, to: &update
        ) { $0.name }
        let pair = snapshot.failover.map(API.streamed)
        if old.map({ $0.failover.map(API.streamed) }) != .some(pair) {
            update.states.append(
                .init(
                    topic: StreamView.failover.topic,
                    change: isWatched ? StreamView.failover.message(Whole(all: pair)) : nil
                ) { StreamView.failover.message(Whole(all: pair)) })
        }
        addLatency(snapshot.participants, isFirst: old == nil, isWatched, now, to: &update)
        return update
    }

    private func add<Item: Encodable & Equatable & Sendable, ID: Hashable & Encodable>(
        _ view: StreamView, _ old: [Item]?, _ new: [Item], _ isWatched: Bool, to update: inout StreamUpdate,
        id: (Item) -> ID
    ) {
        guard old != new else { return }
        var change: [UInt8]?
        if let old, isWatched {
            var before = Dictionary(old.map { (id($0), $0) }) { first, _ in first }
            var changed: [Item] = []
            for item in new where before.removeValue(forKey: id(item)) != item { changed.append(item) }
            // Where everything has changed, the change is as long as the whole, which new viewers need anyway.
            if changed.count < new.count || new.isEmpty {
                change = view.message(Change(changed: changed, removed: Array(before.keys)))
            }
        }
        update.states.append(.init(topic: view.topic, change: change) { view.message(Whole(all: new)) })
    }

    private mutating func addLatency(
        _ participants: [Snapshot.Participant], isFirst: Bool, _ isWatched: Bool, _ now: Timestamp,
        to update: inout StreamUpdate
    ) {
        let since = now.advanced(by: .zero - RestoredState.recently).milliseconds
        var news: [Points] = []
        var kept: [Int64: [Point]] = [:]
        for one in participants {
            var list = points[one.id] ?? []
            if let rtt = one.rtt, rtt.lastAt > list.last?.at ?? .min, rtt.lastAt >= since {
                let point = Point(at: rtt.lastAt, rtt: rtt.last)
                list.append(point)
                news.append(Points(participant: one.id, points: [point]))
            }
            if let first = list.first, first.at < since { list.removeAll { $0.at < since } }
            if list.count > Self.mostPoints { list.removeFirst(list.count - Self.mostPoints) }
            kept[one.id] = list
        }
        points = kept
        guard isFirst || !news.isEmpty else { return }
        let all = kept.sorted { $0.key < $1.key }.map { Points(participant: $0.key, points: $0.value) }
        update.states.append(
            .init(
                topic: StreamView.latency.topic,
                change: isWatched && !isFirst ? StreamView.latency.message(Gain(changed: news)) : nil
            ) { StreamView.latency.message(Whole(all: all)) })
    }

    /// Who has played how many notes since the last such tick.
    package static func activity(_ notes: [Int64: Int]) -> StreamUpdate {
        var update = StreamUpdate()
        let played = notes.sorted { $0.key < $1.key }.map { Played(participant: $0.key, notes: $0.value) }
        update.states = [
            .init(
                topic: StreamView.activity.topic, change: StreamView.activity.message(Gain(changed: played)), whole: nil
            )
        ]
        return update
    }

    /// What participants hold and have set now.
    package mutating func sounding(_ all: [API.Sounds], isWatched: Bool) -> StreamUpdate {
        var update = StreamUpdate()
        add(.sounding, sounding, all, isWatched, to: &update) { $0.participant }
        sounding = all
        return update
    }

    // MARK: Events

    /// Events that are on record now, with their ids. A gap before them, or a log begun anew, is a reset.
    package mutating func recorded(_ events: [EventRecord]) -> StreamUpdate {
        var update = StreamUpdate()
        guard let first = events.first, let newest = events.last else { return update }
        update.resets = hasLostEvents || (lastEvent != 0 && first.id != lastEvent + 1)
        (hasLostEvents, lastEvent) = (false, newest.id)
        update.events = events.map { event in
            .init(id: event.id, bytes: Self.message(event, isFull: false), full: Self.message(event, isFull: true))
        }
        return update
    }

    private static func message(_ event: EventRecord, isFull: Bool) -> [UInt8] {
        let data = JSON.text(API.Event(event, isFull: isFull))
        return Array("event: event\nid: \(event.id)\ndata: \(data)\n\n".utf8)
    }

    /// Some events could not be recorded.
    package mutating func lostEvents() { hasLostEvents = true }
}
