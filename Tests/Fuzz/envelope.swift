import HubLink
import RTPMIDI

/// Two ends of a sealed session, and a network between them that loses, repeats, reorders, cuts and changes what it carries,
/// and invents: what is opened is what was sealed, each once, and everything else is dropped and counted. An operation is
/// one octet and its arguments:
///
/// | octet % 5 | arguments | is |
/// |---|---|---|
/// | 0 | 1 | so many octets are sealed, times 5 |
/// | 1 | 1 | that datagram arrives |
/// | 2 | 3 | that one arrives with a bit changed: its number is 16 bits |
/// | 3 | 2 | that one arrives cut to so many octets, or comes back to its sender |
/// | 4 | 1 and as many | these octets arrive |
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let network = Network()
    var rest = UnsafeBufferPointer(start: start, count: count)[...]
    func next() -> Int { rest.popFirst().map { Int($0) } ?? 0 }
    while let operation = rest.popFirst() {
        switch operation % 5 {
        case 0: network.seal(next() * 5)
        case 1: network.deliver(next())
        case 2:
            network.deliver(next()) { datagram in
                let bit = (next() << 8 | next()) % (datagram.count * 8)
                datagram[bit / 8] ^= 1 << (bit % 8)
            }
        case 3:
            network.deliver(next()) { datagram in
                let length = next() * 5
                if length < datagram.count {
                    datagram.removeLast(datagram.count - length)
                } else {
                    network.bounce(datagram)
                }
            }
        default:
            let length = min(next(), rest.count)
            network.invent(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
    }
    return 0
}

final class Network {
    private var one = SealedEnd<ToyCipher>(key: 7, sends: .fromAsking, sending: .init(key: 1), opening: .init(key: 2))
    private var two = SealedEnd<ToyCipher>(key: 7, sends: .fromAsked, sending: .init(key: 2), opening: .init(key: 1))
    private var sealed: [(datagram: [UInt8], content: [UInt8])] = []
    private var seen: Set<Int> = []
    private var delivered: UInt64 = 0

    func seal(_ length: Int) {
        guard length <= Envelope.longestContent, sealed.count < 200 else { return }
        let content = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ sealed.count) }
        let datagram = [UInt8](unsafeUninitializedCapacity: Envelope.longest) { buffer, count in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            var out = OutputRawSpan(buffer: bytes, initializedCount: 0)
            precondition(one.seal(into: &out) { out in for octet in content { out.write(octet) } })
            count = out.finalize(for: bytes)
        }
        sealed.append((datagram, content))
    }

    func deliver(_ place: Int) {
        guard !sealed.isEmpty else { return }
        let number = place % sealed.count
        let isNew = !seen.contains(number) && number + Int(ReplayWindow.size) > seen.max() ?? -1
        let opened = open(sealed[number].datagram)
        precondition(opened == (isNew ? sealed[number].content : nil), "once, and as it was sealed")
        if isNew { seen.insert(number) }
    }

    func deliver(_ place: Int, changed: (inout [UInt8]) -> Void) {
        guard !sealed.isEmpty else { return }
        var datagram = sealed[place % sealed.count].datagram
        let before = datagram
        changed(&datagram)
        if datagram != before { invent(datagram) }
    }

    func invent(_ datagram: [UInt8]) {
        guard !sealed.contains(where: { $0.datagram == datagram }) else { return }
        precondition(open(datagram) == nil, "nobody has sealed it")
    }

    func bounce(_ datagram: [UInt8]) {
        do throws(Envelope.Refusal) {
            try one.open(datagram.span.bytes) { _ in preconditionFailure("it is its own") }
        } catch { precondition(error == .forged || error == .replayed) }
    }

    private func open(_ datagram: [UInt8]) -> [UInt8]? {
        var content: [UInt8]?
        delivered += 1
        do throws(Envelope.Refusal) {
            try two.open(datagram.span.bytes) { bytes in content = (0..<bytes.byteCount).map { bytes.uint8(at: $0) } }
        } catch { precondition(content == nil) }
        let refused = Envelope.Refusal.allCases.map { two.refused($0) }.reduce(0, +)
        precondition(two.opened + refused == delivered, "each is counted once")
        return content
    }
}

/// Nothing that hides anything: the tag is of key, nonce, header and content.
struct ToyCipher: EnvelopeCipher {
    let key: UInt64

    mutating func seal(
        _ bytes: inout MutableRawSpan, _ part: Range<Int>, header: RawSpan, nonce: [12 of UInt8]
    ) -> [16 of UInt8] {
        let tag = tag(bytes, part, header, nonce)
        turn(&bytes, part)
        return tag
    }

    mutating func open(
        _ bytes: inout MutableRawSpan, _ part: Range<Int>, header: RawSpan, nonce: [12 of UInt8], tag: [16 of UInt8]
    ) -> Bool {
        turn(&bytes, part)
        let right = self.tag(bytes, part, header, nonce)
        return tag.indices.allSatisfy { tag[$0] == right[$0] }
    }

    private func turn(_ bytes: inout MutableRawSpan, _ part: Range<Int>) {
        for index in part {
            let octet = bytes.bytes.uint8(at: index)
            bytes.storeBytes(of: ~octet, toByteOffset: index, as: UInt8.self)
        }
    }

    private func tag(
        _ bytes: borrowing MutableRawSpan, _ part: Range<Int>, _ header: RawSpan, _ nonce: [12 of UInt8]
    ) -> [16 of UInt8] {
        var (one, two) = (key, ~key)
        func take(_ octet: UInt8) {
            one = (one ^ UInt64(octet)) &* 0x9E37_79B9_7F4A_7C15
            one ^= one >> 29
            two = (two &+ one) &* 0xBF58_476D_1CE4_E5B9
            two ^= two >> 32
        }
        for index in nonce.indices { take(nonce[index]) }
        for index in 0..<header.byteCount { take(header.uint8(at: index)) }
        for index in part { take(bytes.bytes.uint8(at: index)) }
        return .init { UInt8(truncatingIfNeeded: ($0 < 8 ? one : two) >> (8 * UInt64($0 % 8))) }
    }
}
