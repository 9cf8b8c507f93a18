import Foundation
import RTPMIDI

/// Values of a decoded packet, as its JSON has them.
enum DecodedValue {
    static func hex(_ octets: some Sequence<UInt8>) -> String {
        octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
    static func hex(_ number: UInt32) -> String { SSRC(number).description }
    static func bit(_ flag: Bool) -> Int { flag ? 1 : 0 }
    /// JSON's null.
    static var null: Any { NSNull() }
}
