/// Which of the last numbers of a sender have been seen, so that each counts once: the newest one and the 63 before it, as
/// in RFC 4303 section 3.4.3. What is older is taken for seen.
package struct ReplayWindow: BitwiseCopyable, Hashable, Sendable {
    package static let size: UInt64 = 64

    /// nil where nothing has been seen.
    package private(set) var newest: UInt64?
    /// Bit n: the number `newest - n`.
    private var seen: UInt64 = 0

    package init() {}

    /// Whether a number is new. Ask before its datagram is opened, and `note` it only when that was genuine: else anybody
    /// could push the window on.
    package func isNew(_ number: UInt64) -> Bool {
        guard let newest, number <= newest else { return true }
        let age = newest - number
        return age < Self.size && seen & 1 << age == 0
    }

    package mutating func note(_ number: UInt64) {
        guard let newest, number <= newest else {
            let step = newest.map { number - $0 } ?? Self.size
            seen = (step < Self.size ? seen << step : 0) | 1
            self.newest = number
            return
        }
        let age = newest - number
        if age < Self.size { seen |= 1 << age }
    }
}
