import Linux

/// Takes addresses out of text that everybody may read, whoever wrote it: the system, a daemon, an earlier version of ours.
package enum AddressMask {
    package static let mask = "(address)"

    /// `text` without the IPv4 and IPv6 addresses that stand in it as words of their own, also before a port. Loopback
    /// and the addresses that mean all stay, since they say nothing about anybody.
    package static func masked(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var copied = 0
        var start = 0
        while start < bytes.count {
            guard isPart(bytes[start]) else {
                start += 1
                continue
            }
            let end = bytes[start...].firstIndex { !isPart($0) } ?? bytes.endIndex
            if let length = addressLength(bytes[start..<end]) {
                result += bytes[copied..<start]
                result += mask.utf8
                copied = start + length
            }
            start = end
        }
        return copied == 0 ? text : String(decoding: result + bytes[copied...], as: UTF8.self)
    }

    private static func isPart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "."), UInt8(ascii: ":"):
            true
        default: false
        }
    }

    /// How much of the word is somebody's address: all of it, or what is before a full stop, a colon or a port.
    private static func addressLength(_ word: ArraySlice<UInt8>) -> Int? {
        let dots = word.count { $0 == UInt8(ascii: ".") }
        let colons = word.count { $0 == UInt8(ascii: ":") }
        // The longest are IPv6 addresses of 45 characters, then a port.
        guard dots >= 3 || colons >= 2, word.count <= 64 else { return nil }
        var rest = word
        while let last = rest.last {
            if let address = SocketAddress(host: String(decoding: rest, as: UTF8.self), port: 0) {
                let isAll = address.high == 0 && (address.low == 0 || address.low == 0xFFFF_0000_0000)
                return isAll || address.isLoopback ? nil : rest.count
            }
            if last == UInt8(ascii: ":") || last == UInt8(ascii: ".") {
                rest.removeLast()
            } else if let colon = rest.lastIndex(of: UInt8(ascii: ":")) {
                rest = rest[..<colon]
            } else {
                return nil
            }
        }
        return nil
    }
}
