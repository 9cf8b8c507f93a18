import Linux
import TestSupport
import Testing

struct LibcryptoTests {
    /// NIST's, from "The Galois/Counter Mode of Operation" (McGrew, Viega), test cases 13 to 16.
    struct Sealed: Sendable {
        let key, nonce, header, plain, sealed, tag: String
    }
    private static let key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
    private static let plain =
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
    private static let sealed =
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
        + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"

    @Test(arguments: [
        Sealed(
            key: zeros(32), nonce: zeros(12), header: "", plain: "", sealed: "", tag: "530f8afbc74536b9a963b4f1c4cb738b"
        ),
        Sealed(
            key: zeros(32), nonce: zeros(12), header: "", plain: zeros(16), sealed: "cea7403d4d606b6e074ec5d3baf39d18",
            tag: "d0d1c8a799996bf0265b98b5d48ab919"),
        Sealed(
            key: key, nonce: "cafebabefacedbaddecaf888", header: "", plain: plain, sealed: sealed,
            tag: "b094dac5d93471bdec1a502270e3cc6c"),
        Sealed(
            key: key, nonce: "cafebabefacedbaddecaf888", header: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            plain: String(plain.dropLast(8)), sealed: String(sealed.dropLast(8)),
            tag: "76fc6ece0f4e1768cddf8853bb2d551b"),
    ])
    func `AES-256-GCM gives NIST's vectors, again and again`(vector: Sealed) throws {
        let key = try #require(bytes(hex: vector.key))
        let header = try #require(bytes(hex: vector.header))
        let (plain, sealed) = (try #require(bytes(hex: vector.plain)), try #require(bytes(hex: vector.sealed)))
        let nonce = [12 of UInt8](try #require(bytes(hex: vector.nonce)))
        let tag = [16 of UInt8](try #require(bytes(hex: vector.tag)))
        var cipher = try AES(key)
        for round in 0..<3 {
            let result = cipher.seal(plain, header, nonce)
            #expect(result == .init(content: sealed, tag: tag.array))
            let opened = cipher.open(sealed, header, nonce, tag)
            #expect(opened == plain)
            var other = tag
            other[round] ^= 1
            let refused = cipher.open(sealed, header, nonce, other)
            #expect(refused == nil)
        }
    }

    /// RFC 4231 section 4.
    @Test(arguments: [
        (
            String(repeating: "0b", count: 20), "4869205468657265",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            "4a656665", "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            String(repeating: "aa", count: 20), String(repeating: "dd", count: 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        (
            "0102030405060708090a0b0c0d0e0f10111213141516171819", String(repeating: "cd", count: 50),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
        ),
        (
            String(repeating: "aa", count: 131),
            "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a65204b6579202d2048617368204b6579204669727374",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
    ])
    func `HMAC gives the vectors of RFC 4231`(key: String, message: String, result: String) throws {
        let library = try Libcrypto()
        #expect(
            library.hmac(key: try #require(bytes(hex: key)), try #require(bytes(hex: message))) == bytes(hex: result))
    }

    /// RFC 5869 appendix A: 1, 2 and 3.
    @Test(arguments: [
        (
            String(repeating: "0b", count: 22), "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        ),
        (
            range(0x00...0x4F), range(0x60...0xAF), range(0xB0...0xFF),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
                + "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
        ),
        (
            String(repeating: "0b", count: 22), "", "",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
        ),
    ])
    func `HKDF gives the vectors of RFC 5869`(secret: String, salt: String, purpose: String, result: String) throws {
        let library = try Libcrypto()
        let given = library.hkdf(
            secret: try #require(bytes(hex: secret)), salt: try #require(bytes(hex: salt)),
            purpose: try #require(bytes(hex: purpose)), count: result.count / 2)
        #expect(given == bytes(hex: result))
    }

    @Test func `without the library it says which package has it`() {
        #expect {
            _ = try Libcrypto(names: ["libcrypto.so.none"])
        } throws: { error in
            "\(error)" == "what goes between hubs cannot be encrypted: there is no libcrypto.so.none; "
                + "the package libssl3 has that library"
        }
        #expect {
            _ = try Libcrypto(names: ["libc.so.6"])
        } throws: { error in "\(error)".contains("has no EVP_CIPHER_CTX_new") }
    }
}

private func zeros(_ count: Int) -> String { String(repeating: "00", count: count) }
private func range(_ octets: ClosedRange<UInt8>) -> String { octets.map { hex([$0]) }.joined() }

extension [12 of UInt8] {
    fileprivate init(_ octets: [UInt8]) { self.init { octets[$0] } }
}
extension [16 of UInt8] {
    fileprivate init(_ octets: [UInt8]) { self.init { octets[$0] } }
    fileprivate var array: [UInt8] { indices.map { self[$0] } }
}

/// The cipher on arrays.
private struct AES: ~Copyable {
    struct Result: Equatable {
        let content, tag: [UInt8]
    }
    var cipher: Libcrypto.AES256GCM
    init(_ key: [UInt8]) throws { cipher = try .init(try Libcrypto(), key: key) }

    mutating func seal(_ content: [UInt8], _ header: [UInt8], _ nonce: [12 of UInt8]) -> Result {
        var content = content
        var span = content.mutableSpan
        var bytes = span.mutableBytes
        let tag = cipher.seal(&bytes, 0..<bytes.byteCount, header: header.span.bytes, nonce: nonce)
        return Result(content: content, tag: tag.array)
    }

    mutating func open(
        _ content: [UInt8], _ header: [UInt8], _ nonce: [12 of UInt8], _ tag: [16 of UInt8]
    ) -> [UInt8]? {
        var content = content
        var span = content.mutableSpan
        var bytes = span.mutableBytes
        let isGenuine = cipher.open(&bytes, 0..<bytes.byteCount, header: header.span.bytes, nonce: nonce, tag: tag)
        return isGenuine ? content : nil
    }
}
