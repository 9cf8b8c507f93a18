import EngineProtocol
import HubLink
import Rooms

/// What is noted of one member while a drill is on: of its events by number, and of what it is sent itself. Nothing of it
/// allocates once it is made.
final class DrillNotes {
    /// Numbers that follow each other, in as few pieces as there are changes.
    struct Runs {
        private var all: [DrillRecord.Run] = []
        private let most: Int
        private var isFull = false

        init(most: Int) {
            self.most = most
            all.reserveCapacity(most)
        }

        /// `previous`: what of this speaker came just before; numbers between belong to no message.
        mutating func add(
            _ first: EventNumber, _ last: EventNumber, after previous: EventNumber?, isAgain: Bool = false
        ) {
            if let open = all.last, open.isAgain ?? false == isAgain,
                open.last == previous?.rawValue || open.last &+ 1 == first.rawValue
            {
                all[all.count - 1].last = last.rawValue
            } else if all.count < most {
                all.append(.init(first.rawValue, last.rawValue, isAgain: isAgain ? true : nil))
            } else {
                isFull = true
            }
        }

        mutating func overflow() { isFull = true }

        /// nil: there were too many pieces to keep them.
        var kept: [DrillRecord.Run]? { isFull ? nil : all }
    }

    /// As the drill began.
    let origin: Origin
    private let began: EventNumber

    // MARK: As a speaker

    /// Numbers of no message, or of one that nobody is to be sent.
    private var skipped = Runs(most: 64)
    private var toPaired = Runs(most: 32)
    private var toSingle = Runs(most: 32)
    private var late: UInt64 = 0
    private var lateToSingle: UInt64 = 0
    /// This hub said nothing for a while: what came meanwhile, and was sent later, has come at an unknown time.
    var wasSilent = false
    /// As this hub took over: what the partner had told of last, and the first of that.
    var told: EventNumber?
    var doubtful: EventNumber?
    /// When what is passed on now had come, where it has waited.
    var came: UInt64?
    /// Of what has waited for the partner to tell of it: what nobody is sent any more; and how much of that was from before.
    private var unsent = 0
    private var unsentBefore: Int
    /// What was put into the list that goes out next, in pieces where numbers are missing, each with the message before it;
    /// and when its oldest had come.
    private var next: [(first: EventNumber, last: EventNumber, previous: EventNumber?)] = []
    private var oldest: UInt64 = .max
    /// There were more pieces.
    private var isCrowded = false
    private static let mostPieces = 64
    /// The last number of all, and the newest message from which on no number is missing.
    private var handled: EventNumber
    private var newest: EventNumber?

    // MARK: As a hearer

    let kind: DrillReport.Hearer.Kind
    private let hears: Set<UInt32>
    /// How many notes sounded at it as the hubs changed.
    var held = 0
    /// It was not sent what others like it were sent.
    var isUneven = false
    private let lostBefore: Int?

    init(_ member: Member) {
        (origin, began, handled) = (member.origin, member.lastEvent, member.lastEvent)
        next.reserveCapacity(Self.mostPieces)
        unsentBefore = member.waiting?.forgotten ?? 0
        kind = Self.kind(member)
        hears = Self.heard(by: member)
        lostBefore = member.endpoint.link?.report.map { Int($0.lost) }
    }

    private static func kind(_ member: Member) -> DrillReport.Hearer.Kind {
        member.counterpart == nil ? .single : member.endpoint.link != nil ? .numbered : .paired
    }
    private static func heard(by member: Member) -> Set<UInt32> { Set(member.incoming.map(\.from.origin.rawValue)) }

    /// It waits no more.
    func waited(_ waiting: WaitingInput) {
        unsent += waiting.forgotten - unsentBefore
        unsentBefore = 0
    }

    /// A message is to go out with the next list; nil: it has no number.
    func listed(_ number: EventNumber?, at now: UInt64) {
        guard let number else { return }
        let follows = handled.advanced(by: 1) == number
        if follows, newest != nil, !next.isEmpty {
            next[next.count - 1].last = number
        } else if next.count < Self.mostPieces {
            next.append((number, number, follows ? newest : nil))
        } else {
            isCrowded = true
        }
        (newest, handled, oldest) = (number, number, min(oldest, came ?? now))
    }

    /// Numbers up to one are of no message, or of one that nobody is to be sent. `isOne`: that one alone.
    func skip(_ last: EventNumber?, isOne: Bool) {
        guard let last else { return }
        let follows = handled.advanced(by: 1)
        if isOne, follows != last { newest = nil }
        let first = isOne ? last : follows
        if last.distance(from: first) >= 0 { skipped.add(first, last, after: nil) }
        handled = last
    }

    /// The list has gone out, to some of each kind or to none.
    func sent(toPaired isPaired: Bool, toSingle isSingle: Bool, at now: UInt64) {
        guard !next.isEmpty else { return }
        let waited = now &- min(now, oldest)
        for piece in next {
            if isPaired { toPaired.add(piece.first, piece.last, after: piece.previous) }
            if isSingle { toSingle.add(piece.first, piece.last, after: piece.previous) }
        }
        if isPaired {
            late = max(late, waited)
            if isCrowded { toPaired.overflow() }
        }
        if isSingle {
            lateToSingle = max(lateToSingle, waited)
            if isCrowded { toSingle.overflow() }
        }
        isCrowded = false
        next.removeAll(keepingCapacity: true)
        oldest = .max
    }

    /// A single event that had come before has gone to everybody who stands on both hubs.
    func sentLater(_ number: EventNumber, came: UInt64, isAgain: Bool, at now: UInt64) {
        toPaired.add(number, number, after: nil, isAgain: isAgain)
        if !isAgain { late = max(late, now &- min(now, came)) }
    }

    // MARK: What comes of it

    func speaker(_ member: Member) -> DrillRecord.Speaker {
        var speaker = DrillRecord.Speaker(
            origin: origin.rawValue, began: began.rawValue, ended: member.lastEvent.rawValue)
        (speaker.toPaired, speaker.toSingle) = (toPaired.kept, toSingle.kept)
        // Numbers of two counts cannot be compared.
        speaker.skipped = member.origin == origin ? skipped.kept : nil
        (speaker.late, speaker.lateToSingle) = (
            UInt32(clamping: late), wasSilent ? nil : UInt32(clamping: lateToSingle)
        )
        // Of what came while it said nothing it was not told.
        if !wasSilent { speaker.unsent = unsent + (member.waiting.map { $0.forgotten - unsentBefore } ?? 0) }
        (speaker.told, speaker.doubtful) = (told?.rawValue, doubtful?.rawValue)
        return speaker
    }

    func hearer(_ member: Member) -> DrillRecord.Hearer {
        var hearer = DrillRecord.Hearer(
            origin: origin.rawValue, name: member.name, room: member.room.plan.name, kind: kind,
            hears: hears.sorted(), held: held,
            isUneven: isUneven || !hears.isSubset(of: Self.heard(by: member)) || Self.kind(member) != kind)
        hearer.isLinked = member.endpoint.link != nil
        (hearer.lostBefore, hearer.lost) = (lostBefore, member.endpoint.link?.report.map { Int($0.lost) })
        return hearer
    }
}
