import RTPMIDI

/// What every datagram between two hubs lies in, encrypted and authenticated. All integers are big-endian.
///
/// | offset | octets | content |
/// |---|---|---|
/// | 0 | 4 | `4D 48 54` "MHT" and the version, 1 |
/// | 4 | 4 | the key's number, in the clear |
/// | 8 | 8 | the sender's counter, from 0: each is used once with a key |
/// | 16 | 0...1200 | what is sealed, as long as it was |
/// | then | 16 | the tag, of the 16 octets before and of what is sealed |
///
/// The nonce is the direction, 4 octets of which the last is 0 or 1, and the counter.
package enum Envelope {
    package static let headerSize = 16
    package static let tagSize = 16
    package static let overhead = headerSize + tagSize
    /// The most that one holds: with the headers of IPv6 and UDP the least packet that every network carries whole, 1280.
    package static let longestContent = 1200
    package static let longest = longestContent + overhead

    /// "MHT" and the version.
    static let magic: UInt32 = 0x4D48_5401

    /// Which of the two hubs sent a datagram: the one that asked for the session, or the one that answered.
    package enum Direction: UInt8, Sendable {
        case fromAsking = 0
        case fromAsked = 1

        var back: Self { self == .fromAsking ? .fromAsked : .fromAsking }
    }

    /// Why a datagram is dropped. Nothing is ever answered to it.
    package enum Refusal: UInt8, Error, CaseIterable, Sendable {
        /// Too short for an envelope.
        case short
        case long
        /// Not ours, or of another version.
        case foreign
        /// Under another key.
        case otherKey
        /// Seen before, or so old that this is not known any more.
        case replayed
        /// Not sealed with this key in this direction, or changed on the way.
        case forged
    }

    /// Whether a datagram is one of this version, by its beginning.
    package static func isOne(_ datagram: RawSpan) -> Bool {
        datagram.byteCount >= 4 && datagram.uint32(at: 0) == magic
    }

    static func nonce(_ direction: Direction, _ counter: UInt64) -> [12 of UInt8] {
        .init { index in
            index == 3
                ? direction.rawValue : index < 4 ? 0 : UInt8(truncatingIfNeeded: counter >> (8 * UInt64(11 - index)))
        }
    }
}

/// Authenticated encryption with one key. It touches no allocator.
package protocol EnvelopeCipher: ~Copyable {
    /// Encrypts that part of `bytes` where it lies. The tag is of it and of `header`.
    mutating func seal(
        _ bytes: inout MutableRawSpan, _ part: Range<Int>, header: RawSpan, nonce: [12 of UInt8]
    ) -> [16 of UInt8]
    /// Decrypts that part of `bytes` where it lies. False where the tag is another: then nothing of it is to be looked at.
    mutating func open(
        _ bytes: inout MutableRawSpan, _ part: Range<Int>, header: RawSpan, nonce: [12 of UInt8], tag: [16 of UInt8]
    ) -> Bool
}

/// One end of a sealed session: what it sends and what it opens, each direction under its own key. There is no copy of it,
/// which would use a counter twice.
package struct SealedEnd<Cipher: EnvelopeCipher & ~Copyable>: ~Copyable {
    package let key: UInt32
    /// So many datagrams are sealed with the key, and no more.
    private let most: UInt64
    private let direction: Envelope.Direction
    private var sending: Cipher
    private var opening: Cipher
    package private(set) var sent: UInt64 = 0
    private var window = ReplayWindow()
    package private(set) var opened: UInt64 = 0
    private var refused = [6 of UInt64](repeating: 0)
    /// Where what comes is opened: `Envelope.longestContent` octets.
    private var content = [1200 of UInt8](repeating: 0)

    /// `sending` has the key of what leaves in `direction`, `opening` that of what comes back. A key is good for `most`
    /// datagrams.
    package init(
        key: UInt32, sends direction: Envelope.Direction, sending: consuming Cipher, opening: consuming Cipher,
        most: UInt64 = 1 << 32
    ) {
        (self.key, self.direction, self.most) = (key, direction, most)
        self.sending = sending
        self.opening = opening
    }

    /// How many datagrams were dropped for that.
    package func refused(_ refusal: Envelope.Refusal) -> UInt64 { refused[Int(refusal.rawValue)] }

    /// Seals what `write` writes, at most `Envelope.longestContent` octets, as a datagram at the end of `out`, which has
    /// room for `Envelope.longest`. False, with nothing written, when the key is used up.
    package mutating func seal(into out: inout OutputRawSpan, _ write: (inout OutputRawSpan) -> Void) -> Bool {
        guard sent < most else { return false }
        let start = out.byteCount
        out.write(Envelope.magic)
        out.write(key)
        out.write(sent)
        write(&out)
        let content = start + Envelope.headerSize..<out.byteCount
        precondition(content.count <= Envelope.longestContent, "more than an envelope holds")
        let header = [16 of UInt8] { out.bytes.uint8(at: start + $0) }
        let nonce = Envelope.nonce(direction, sent)
        var bytes = out.mutableBytes
        let tag = unsafe sending.seal(&bytes, content, header: header.span.bytes, nonce: nonce)
        for index in tag.indices { out.write(tag[index]) }
        sent += 1
        return true
    }

    /// Opens a datagram of the other end and hands out what it holds; anything else is counted and changes nothing.
    package mutating func open(_ datagram: RawSpan, _ body: (RawSpan) -> Void) throws(Envelope.Refusal) {
        do throws(Envelope.Refusal) {
            let length = try unseal(datagram)
            opened &+= 1
            unsafe body(content.span.bytes.extracting(0..<length))
        } catch {
            refused[Int(error.rawValue)] &+= 1
            throw error
        }
    }

    private mutating func unseal(_ datagram: RawSpan) throws(Envelope.Refusal) -> Int {
        guard datagram.byteCount >= Envelope.overhead else { throw .short }
        guard Envelope.isOne(datagram) else { throw .foreign }
        guard datagram.byteCount <= Envelope.longest else { throw .long }
        guard datagram.uint32(at: 4) == key else { throw .otherKey }
        let counter = datagram.uint64(at: 8)
        guard window.isNew(counter) else { throw .replayed }
        let length = datagram.byteCount - Envelope.overhead
        for index in 0..<length { content[index] = datagram.uint8(at: Envelope.headerSize + index) }
        let tag = [16 of UInt8] { datagram.uint8(at: Envelope.headerSize + length + $0) }
        let nonce = Envelope.nonce(direction.back, counter)
        var octets = content.mutableSpan
        var bytes = unsafe octets.mutableBytes
        let header = datagram.extracting(0..<Envelope.headerSize)
        guard opening.open(&bytes, 0..<length, header: header, nonce: nonce, tag: tag) else { throw .forged }
        window.note(counter)
        return length
    }
}
