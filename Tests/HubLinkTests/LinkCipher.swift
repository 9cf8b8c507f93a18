import HubLink
import Linux
import RTPMIDI

extension Libcrypto.AES256GCM: EnvelopeCipher {}

/// Two ends of a session under one secret, and what lies between them.
final class SealedPair {
    var one: SealedEnd<Libcrypto.AES256GCM>
    var two: SealedEnd<Libcrypto.AES256GCM>

    init(secret: String = "correct horse battery staple", draw: UInt8 = 1, number: UInt32? = nil) throws {
        let library = try Libcrypto()
        let draws = [UInt8](repeating: draw, count: 16)
        let keys = LinkKeys(secret: secret, asking: draws, asked: draws.reversed()) {
            library.hkdf(secret: $0, salt: $1, purpose: $2, count: $3)
        }!
        let one = try SealedEnd<Libcrypto.AES256GCM>(
            key: number ?? keys.number, sends: .fromAsking, sending: .init(library, key: keys.fromAsking),
            opening: .init(library, key: keys.fromAsked))
        let two = try SealedEnd<Libcrypto.AES256GCM>(
            key: number ?? keys.number, sends: .fromAsked, sending: .init(library, key: keys.fromAsked),
            opening: .init(library, key: keys.fromAsking))
        self.one = one
        self.two = two
    }
}

extension SealedEnd where Cipher: ~Copyable {
    /// A datagram with these octets.
    mutating func sealed(_ content: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Envelope.longest) { buffer, count in
            var out = OutputRawSpan(buffer: UnsafeMutableRawBufferPointer(buffer), initializedCount: 0)
            _ = seal(into: &out) { out in for octet in content { out.write(octet) } }
            count = out.finalize(for: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    /// What a datagram holds, or why it is dropped.
    mutating func opened(_ datagram: [UInt8]) -> Result<[UInt8], Envelope.Refusal> {
        var content: [UInt8] = []
        do throws(Envelope.Refusal) {
            try open(datagram.span.bytes) { bytes in content = (0..<bytes.byteCount).map { bytes.uint8(at: $0) } }
            return .success(content)
        } catch { return .failure(error) }
    }

    var refusals: [UInt64] { Envelope.Refusal.allCases.map { refused($0) } }
}
