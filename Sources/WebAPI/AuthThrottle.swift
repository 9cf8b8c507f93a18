package import Linux

/// What wrong tokens cost: the answer to each waits, and the longer the more of them have come from the same address.
/// A right one is never asked about here, so that nobody can lock out the one who has it.
///
/// An answer that waits holds a connection, so few may wait at once; others get theirs now, with the advice to come back
/// later. Guessing on many connections at once is thus held up by the token's length alone, which no wait could change.
package struct AuthThrottle: Sendable {
    package typealias Instant = ContinuousClock.Instant

    package enum Cost: Equatable, Sendable {
        case wait(Duration)
        case comeBack(after: Duration)
    }
    private struct Record {
        var count = 0
        var last: Instant
        /// When the answers that wait will be given.
        var waiting: [Instant] = []
    }

    package static let addresses = 1024
    package static let waitingForOne = 4
    package static let waitingForAll = 32
    private static let longest: Duration = .seconds(8)
    /// An address is forgotten when its last wrong token was so long ago.
    private static let memory: Duration = .seconds(600)

    private var records: [SocketAddress: Record] = [:]
    /// Since the start, from everybody.
    package private(set) var total = 0

    package init() {}

    /// How many addresses are remembered.
    package var count: Int { records.count }

    /// Counts a wrong token. The first of an address costs nothing, since people mistype.
    package mutating func cost(from address: SocketAddress, at now: Instant) -> Cost {
        total += 1
        let network = address.network
        makeRoom(for: network, at: now)
        var record = records[network] ?? Record(last: now)
        record.count += 1
        record.last = now
        record.waiting.removeAll { $0 <= now }
        defer { records[network] = record }
        guard record.count > 1 else { return .wait(.zero) }
        let wait = min(Self.longest, .milliseconds(250 << min(record.count - 2, 8)))
        let others = records.reduce(0) { sum, one in
            one.key == network ? sum : sum + one.value.waiting.count { $0 > now }
        }
        guard record.waiting.count < Self.waitingForOne, others + record.waiting.count < Self.waitingForAll else {
            return .comeBack(after: wait)
        }
        record.waiting.append(now.advanced(by: wait))
        return .wait(wait)
    }

    private mutating func makeRoom(for network: SocketAddress, at now: Instant) {
        records = records.filter { $0.value.last.advanced(by: Self.memory) > now }
        guard records[network] == nil, records.count >= Self.addresses else { return }
        if let quietest = records.min(by: { $0.value.last < $1.value.last }) { records[quietest.key] = nil }
    }
}
