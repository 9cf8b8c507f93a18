import RTPMIDI

/// What an origin's instrument is called by the ALSA sequencer of the computer that it is plugged into: programs elsewhere
/// know it by these names.
///
/// | octets | field |
/// |---|---|
/// | 0–3 | origin |
/// | 4, 5 | octets of the client's name and of the port's, 1 to 63 each |
/// | 6–7 | zero |
/// | 8 … | the client's name, then the port's, in UTF-8 |
package struct LinkIdentity: Hashable, Sendable {
    package let client: String
    package let port: String
    /// As long as ALSA takes them.
    package static let longestName = 63
    static let headSize = 8

    /// nil where a name is empty, or too long, or would not be shown as it is.
    package init?(client: String, port: String) {
        guard Self.isName(client), Self.isName(port) else { return nil }
        (self.client, self.port) = (client, port)
    }

    private static func isName(_ name: String) -> Bool {
        (1...longestName).contains(name.utf8.count) && SessionPacket.sanitised(Array(name.utf8)) == name
    }

    init(decoding datagram: RawSpan, at start: Int) throws(PacketError) {
        var (names, at): ([String], Int) = ([], start + Self.headSize)
        for index in 0..<2 {
            let count = Int(datagram.uint8(at: start + 4 + index))
            guard datagram.byteCount >= at + count else {
                throw .truncated(needed: at + count, had: datagram.byteCount)
            }
            let octets = (at..<at + count).map { datagram.uint8(at: $0) }
            guard let name = String(validating: octets, as: UTF8.self) else {
                throw .malformed("a name that is no UTF-8")
            }
            names.append(name)
            at += count
        }
        guard let identity = LinkIdentity(client: names[0], port: names[1]) else {
            throw .malformed("a name that is empty, too long or cannot be shown")
        }
        self = identity
    }

    func write(_ origin: Origin, into out: inout OutputRawSpan) {
        out.write(origin.rawValue)
        out.write(UInt8(client.utf8.count))
        out.write(UInt8(port.utf8.count))
        out.write(0 as UInt16)
        for octet in client.utf8 { out.write(octet) }
        for octet in port.utf8 { out.write(octet) }
    }
}
