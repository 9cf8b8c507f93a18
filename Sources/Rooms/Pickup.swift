package import MIDI

/// Lets a controller's values pass only when they meet the one that counts: its faders and knobs stand elsewhere than those
/// of another that was moved meanwhile, and a value that jumped there would be heard. One lies beside each controller of
/// an input, with where its knobs stand; all of them are asked with the one value that counts.
///
/// Buttons, pedals, banks, parameters and channel modes always pass, as what is no controller does.
package struct Pickup: BitwiseCopyable, Sendable {
    /// Of a value that nobody has set yet.
    package static let unknown: UInt8 = 128
    /// A knob's first value meets the one that counts from so far.
    private static let near = 2

    /// Where the knobs stand, by channel and number.
    private var stands: [2048 of UInt8] = .init(repeating: unknown)

    package init() {}

    /// The place of a controller in tables by channel and number; nil for what always passes.
    package static func place(_ message: Message) -> Int? {
        guard case .controlChange(let channel, let controller, _) = message else { return nil }
        switch controller.rawValue {
        // Banks, data entry, pedals, parameters, channel modes.
        case 0, 6, 32, 38, 64...69, 96...101, 120...: return nil
        default: return Int(channel.rawValue) << 7 | Int(controller.rawValue)
        }
    }

    /// The knob of `place` has been moved to `value`. Whether that counts, where `current` counts now.
    package mutating func moves(_ place: Int, to value: DataByte, current: UInt8) -> Bool {
        let (before, now) = (stands[place], value.rawValue)
        stands[place] = now
        guard current < Self.unknown else { return true }
        guard before < Self.unknown else { return abs(Int(now) - Int(current)) <= Self.near }
        return min(before, now) <= current && current <= max(before, now)
    }
}
