/// Topics of a stream, a bit each. Whoever publishes decides what they mean.
package struct Topics: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Removes one of them and returns it.
    mutating func popFirst() -> Topics? {
        guard rawValue != 0 else { return nil }
        let first = Topics(rawValue: rawValue & (~rawValue &+ 1))
        remove(first)
        return first
    }
}

/// What a viewer asks of the stream: an answer that has one goes on for as long as the viewer is there.
package struct Subscription: Sendable {
    package var topics: Topics
    /// Events too, in their order and all of them.
    package var events: Bool
    /// The last one that the viewer has seen; without it, it begins with those to come.
    package var lastEventID: Int64?
    /// Events as they are, not as everybody may see them.
    package var isFull: Bool

    package init(topics: Topics, events: Bool, lastEventID: Int64? = nil, isFull: Bool = false) {
        (self.topics, self.events, self.lastEventID, self.isFull) = (topics, events, lastEventID, isFull)
    }
}

/// One tick of the stream, encoded once for all its viewers. Bytes are whole messages of `text/event-stream`
/// (https://html.spec.whatwg.org/multipage/server-sent-events.html), empty line included.
package struct StreamUpdate: Sendable {
    /// What has become of one topic.
    package struct State: Sendable {
        /// A single one.
        package var topic: Topics
        /// For a viewer who knows the state before this one; nil where every viewer needs the whole.
        package var change: [UInt8]?
        /// The state itself, encoded when somebody needs it; nil for passing news that slow viewers miss.
        package var whole: (@Sendable () -> [UInt8])?

        package init(topic: Topics, change: [UInt8]?, whole: (@Sendable () -> [UInt8])?) {
            (self.topic, self.change, self.whole) = (topic, change, whole)
        }
    }
    package struct Event: Sendable {
        /// One more than that of the event before it.
        package var id: Int64
        package var bytes: [UInt8]
        /// For those who may see all of it.
        package var full: [UInt8]
        package init(id: Int64, bytes: [UInt8], full: [UInt8]? = nil) {
            (self.id, self.bytes, self.full) = (id, bytes, full ?? bytes)
        }
        func bytes(for wants: Subscription) -> [UInt8] { wants.isFull ? full : bytes }
    }

    package var states: [State] = []
    package var events: [Event] = []
    /// What came before `events` is unknown or incomplete: every viewer is told so, and goes on from here.
    package var resets = false

    package init() {}
    package var isEmpty: Bool { states.isEmpty && events.isEmpty && !resets }
}

/// What the stream has for its viewers: the state of each topic, and the latest events.
struct Feed {
    private final class Whole {
        let encode: @Sendable () -> [UInt8]
        lazy var bytes = encode()
        init(_ encode: @escaping @Sendable () -> [UInt8]) { self.encode = encode }
    }
    private struct Wish: Hashable {
        let topics: Topics
        let events: Bool
        let isFull: Bool
    }

    /// How many events a viewer may be behind.
    static let kept = 1000

    private var wholes: [Topics: Whole] = [:]
    private var events: [StreamUpdate.Event] = []
    /// The id of the newest event, also of one that is not kept.
    private(set) var last: Int64 = 0
    /// Counts the resets.
    private(set) var era = 0
    private var tick = StreamUpdate()
    private var chunks: [Wish: [UInt8]] = [:]

    /// Applies the next tick. Viewers who were up to date before it can go on with `chunk`.
    mutating func apply(_ update: StreamUpdate) {
        tick = update
        chunks = [:]
        for state in update.states { wholes[state.topic] = state.whole.map(Whole.init) }
        if update.resets {
            era += 1
            events = []
        }
        events += update.events
        last = update.events.last?.id ?? last
        if events.count > Self.kept + Self.kept / 4 { events.removeFirst(events.count - Self.kept) }
    }

    /// What this tick has for a viewer who knew everything before it.
    mutating func chunk(for wants: Subscription) -> [UInt8] {
        let wish = Wish(topics: wants.topics, events: wants.events, isFull: wants.isFull)
        if let known = chunks[wish] { return known }
        var bytes: [UInt8] = []
        for state in tick.states where wants.topics.contains(state.topic) { bytes += state.change ?? [] }
        if wants.events { for event in tick.events { bytes += event.bytes(for: wants) } }
        chunks[wish] = bytes
        return bytes
    }

    /// What this tick has changed, and of that what can only be had whole.
    var changed: (topics: Topics, wholly: Topics) {
        var changed: (topics: Topics, wholly: Topics) = ([], [])
        for state in tick.states where state.whole != nil {
            changed.topics.insert(state.topic)
            if state.change == nil { changed.wholly.insert(state.topic) }
        }
        return changed
    }

    func whole(_ topic: Topics) -> [UInt8]? { wholes[topic]?.bytes }

    /// The events after one, at most a few at a time; nil where that one, or one after it, is not known any more.
    func events(after id: Int64) -> ArraySlice<StreamUpdate.Event>? {
        if id == last { return [] }
        guard let first = events.first?.id, id >= first - 1, id < last else { return nil }
        return events[(events.endIndex - Int(last - id))...].prefix(32)
    }
}

/// How far one viewer is. It keeps no messages, only which topics and events are still to be sent: a slow viewer gets the
/// newest.
struct Viewer {
    private static let beginning = "retry: 1000\n"

    private let wants: Subscription
    /// Topics of which it needs the whole.
    private var stale: Topics
    private var cursor: Int64
    private var era: Int
    private var isGreeted = false

    init(_ wants: Subscription, _ feed: Feed) {
        self.wants = wants
        stale = wants.topics
        cursor = wants.lastEventID ?? feed.last
        era = feed.era
    }

    /// The feed has taken a tick. What to send now, shared by all who are up to date; nothing for one who is not,
    /// `isIdle` is false while it is still reading what was sent before.
    mutating func advance(_ feed: inout Feed, isIdle: Bool, lastBefore: Int64) -> [UInt8]? {
        let changed = feed.changed
        guard isIdle, isGreeted, stale.isEmpty, !wants.events || (cursor == lastBefore && era == feed.era) else {
            stale.formUnion(changed.topics.intersection(wants.topics))
            return isIdle ? next(feed) : nil
        }
        stale = changed.wholly.intersection(wants.topics)
        cursor = feed.last
        let chunk = feed.chunk(for: wants)
        return chunk.isEmpty ? next(feed) : chunk
    }

    /// The next piece for it; nil when it is up to date.
    mutating func next(_ feed: Feed) -> [UInt8]? {
        if !isGreeted {
            isGreeted = true
            // An id without data is no event. A viewer that reconnects before it has had an event goes on from here.
            return Array(
                (Self.beginning + (wants.events && wants.lastEventID == nil ? "id: \(cursor)\n\n" : "\n")).utf8)
        }
        while let topic = stale.popFirst() {
            if let bytes = feed.whole(topic) { return bytes }
        }
        guard wants.events else { return nil }
        guard era == feed.era, let events = feed.events(after: cursor) else {
            (era, cursor) = (feed.era, feed.last)
            return Array("event: reset\nid: \(cursor)\ndata: {}\n\n".utf8)
        }
        guard let newest = events.last else { return nil }
        cursor = newest.id
        return events.flatMap { $0.bytes(for: wants) }
    }
}
