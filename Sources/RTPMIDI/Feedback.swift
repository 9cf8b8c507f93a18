/// Reads one peer's receiver feedback, RS (RTPMIDI.docc/Sessions.md). The number stands in the high half of the value, low
/// half 0; stable rtpmidid and PipeWire put it in the low half, high half 0.
package struct Feedback: Sendable {
    /// The last that this peer sent had the number in the low half. Such a peer is to be sent no filled journals
    /// (RTPMIDI.docc/Peers.md).
    package private(set) var isLowHalf = false

    package init() {}

    /// The number that `value` means, or nil where neither half lies in `acknowledged`...`sent` (the last number
    /// sent): such feedback is old, forged or wrong, and ignored.
    package mutating func number(
        of value: UInt32, acknowledged: SequenceNumber?, sent: SequenceNumber
    ) -> SequenceNumber? {
        let high = SequenceNumber(UInt16(value >> 16))
        let low = SequenceNumber(UInt16(truncatingIfNeeded: value))
        func isAwaited(_ number: SequenceNumber) -> Bool {
            let behind = sent.distance(from: number)
            // While nothing has been acknowledged, any older number is acceptable.
            return behind >= 0 && behind <= acknowledged.map { sent.distance(from: $0) } ?? Int.max
        }
        // A half of 0 is a number only if the other is 0 as well, and then both forms mean the same.
        if value == 0 { return isAwaited(low) ? low : nil }
        if high.rawValue != 0, isAwaited(high) {
            isLowHalf = false
            return high
        }
        if low.rawValue != 0, isAwaited(low) {
            isLowHalf = true
            return low
        }
        return nil
    }

    /// The value to send: in the high half.
    package static func value(_ number: SequenceNumber) -> UInt32 { UInt32(number.rawValue) << 16 }
}
