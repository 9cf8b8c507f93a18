package import MIDI
package import RTPMIDI
package import Rooms

/// What somebody who stands on two hubs plays at the one that does not speak for them: it waits until the other hub has told
/// of the same, and what it has not told of when it dies is all that is missing. Both hubs get the same music in the same
/// order, each by a session of its own, so the first of those that wait that is equal is the same one.
package struct WaitingInput {
    package enum Event: Hashable, Sendable {
        case message(Message)
        case system(SystemMessage)
    }
    private struct Entry {
        let event: Event
        let at: UInt64
    }
    /// More than anybody plays in the time that a hub is waited for.
    private static let most = 1024
    /// In ticks: what the other hub has not told of, or what has not come here, for so long never will.
    private static let memory: UInt64 = 10_000

    private var played: [Entry] = []
    private var told: [Entry] = []
    /// How many the other hub has never told of, and nobody will be sent any more.
    package private(set) var forgotten = 0
    /// What is held and set by what was played here.
    package private(set) var state: SpeakerState

    /// `state`: of the speaker when the waiting begins.
    package init(_ state: SpeakerState) {
        self.state = state
        played.reserveCapacity(Self.most)
        told.reserveCapacity(Self.most)
    }

    /// It has come from the participant itself.
    package mutating func played(_ event: Event, at now: UInt64) {
        if case .message(let message) = event { state.follow(message) }
        let before = played.count
        let hasMatched = Self.match(Entry(event: event, at: now), among: &told, else: &played)
        forgotten += before - played.count + (hasMatched ? 0 : 1)
    }

    /// The other hub has told of it.
    package mutating func told(_ event: Event, at now: UInt64) {
        let before = played.count
        let hasMatched = Self.match(Entry(event: event, at: now), among: &played, else: &told)
        forgotten += before - played.count - (hasMatched ? 1 : 0)
    }

    /// How long the oldest has waited, in ticks: the other hub does not hear the participant, or is slow.
    package func waits(at now: UInt64) -> UInt64 { played.first.map { now &- min(now, $0.at) } ?? 0 }

    /// Hands out what the other hub has not told of, in order: of the beginnings of notes only late ones. `state` is then
    /// where the participant is.
    package mutating func end(at now: UInt64, _ body: (Event) -> Void) {
        for entry in played {
            if case .message(let message) = entry.event, message.strikes,
                now &- min(now, entry.at) > OriginReader.struckLate
            {
                forgotten += 1
                continue
            }
            body(entry.event)
        }
        played = []
    }

    /// After the end: whether the other hub has told of what comes only now from the participant itself. With the first that
    /// it has not told of that is over.
    package mutating func wasTold(_ event: Event, at now: UInt64) -> Bool {
        guard let index = told.firstIndex(where: { $0.event == event }),
            now &- min(now, told[index].at) < OriginReader.struckLate
        else {
            told = []
            return false
        }
        told.removeFirst(index + 1)
        return true
    }
    /// Something that the other hub has told of has not come from the participant itself yet.
    package var isBehind: Bool { !told.isEmpty }

    /// What stands before two that are equal, on either side, has got lost on the other. Gives whether there were two.
    private static func match(_ entry: Entry, among others: inout [Entry], else own: inout [Entry]) -> Bool {
        func isOld(_ other: Entry) -> Bool { entry.at &- min(entry.at, other.at) > memory }
        others.removeFirst(others.firstIndex { !isOld($0) } ?? others.count)
        own.removeFirst(own.firstIndex { !isOld($0) } ?? own.count)
        if let index = others.firstIndex(where: { $0.event == entry.event }) {
            others.removeFirst(index + 1)
            own.removeAll(keepingCapacity: true)
            return true
        }
        if own.count == most { own.removeFirst() }
        own.append(entry)
        return false
    }
}
