import HubLink
import Linux
import TestSupport
import Testing

struct EnvelopeTests {
    private let content = Array("a chord of five".utf8)

    @Test(arguments: [0, 1, 15, 16, 17, 1199, 1200])
    func `what one end seals the other one opens, whatever its length`(length: Int) throws {
        let pair = try SealedPair()
        let content = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
        let datagram = pair.one.sealed(content)
        #expect(datagram.count == length + Envelope.overhead)
        #expect(Array(datagram[..<4]) == Array("MHT".utf8) + [1])
        if length > 2 { #expect(Array(datagram[16..<16 + length]) != content) }
        #expect(pair.two.opened(datagram) == .success(content))
        #expect(pair.one.opened(pair.two.sealed(content)) == .success(content))
        #expect(pair.two.opened == 1 && pair.two.refusals.allSatisfy { $0 == 0 })
    }

    @Test func `datagrams of one content all differ`() throws {
        let pair = try SealedPair()
        let all = Set((0..<1000).map { _ in pair.one.sealed(content) })
        #expect(all.count == 1000)
        #expect(Set(all.map { $0[16...] }).count == 1000)
    }

    @Test func `each counts once, in whatever order they come`() throws {
        let pair = try SealedPair()
        let datagrams = (0..<60).map { _ in pair.one.sealed(content) }
        var random = SeededRandom(seed: 5)
        for datagram in datagrams.shuffled(using: &random) { #expect(pair.two.opened(datagram) == .success(content)) }
        for datagram in datagrams { #expect(pair.two.opened(datagram) == .failure(.replayed)) }
        #expect(pair.two.opened == 60 && pair.two.refused(.replayed) == 60)
    }

    @Test func `one that was cut is dropped, wherever it was cut`() throws {
        let pair = try SealedPair()
        let datagram = pair.one.sealed(content)
        for length in 0..<datagram.count {
            let refusal: Envelope.Refusal = length < Envelope.overhead ? .short : .forged
            #expect(pair.two.opened(Array(datagram[..<length])) == .failure(refusal))
        }
        #expect(pair.two.refusals.reduce(0, +) == UInt64(datagram.count))
        #expect(pair.two.opened(datagram + [0]) == .failure(.forged))
        // None of these had an effect.
        #expect(pair.two.opened(datagram) == .success(content))
    }

    @Test func `one with any bit flipped is dropped`() throws {
        let pair = try SealedPair()
        _ = pair.two.opened(pair.one.sealed(content))
        let datagram = pair.one.sealed(content)
        for bit in 0..<datagram.count * 8 {
            var changed = datagram
            changed[bit / 8] ^= 1 << (bit % 8)
            let refusal: Envelope.Refusal =
                switch bit / 8 {
                case 0..<4: .foreign
                case 4..<8: .otherKey
                // The last bit of the counter makes it that of the one before.
                default: bit == 15 * 8 ? .replayed : .forged
                }
            #expect(pair.two.opened(changed) == .failure(refusal))
        }
        #expect(pair.two.opened == 1)
        #expect(pair.two.opened(datagram) == .success(content))
    }

    @Test func `one that is too long, of another version or another key is dropped`() throws {
        let pair = try SealedPair()
        var datagram = pair.one.sealed([UInt8](repeating: 7, count: 1200))
        #expect(pair.two.opened(datagram + [0]) == .failure(.long))
        datagram[3] = 2
        #expect(pair.two.opened(datagram) == .failure(.foreign))
        #expect(!Envelope.isOne(datagram.span.bytes) && !Envelope.isOne([0x4D, 0x48, 0x54].span.bytes))
        let stranger = try SealedPair(draw: 2)
        #expect(pair.two.opened(stranger.one.sealed(content)) == .failure(.otherKey))
        // Even where the key's number is the same by chance.
        let here = try SealedPair(number: 1)
        let there = try SealedPair(secret: "another secret than the other", number: 1)
        #expect(here.two.opened(there.one.sealed(content)) == .failure(.forged))
    }

    @Test func `one that comes back to its sender is dropped`() throws {
        let pair = try SealedPair()
        #expect(pair.one.opened(pair.one.sealed(content)) == .failure(.forged))
    }

    @Test func `the direction alone makes another nonce`() throws {
        let library = try Libcrypto()
        let key = [UInt8](repeating: 9, count: 32)
        func end(_ direction: Envelope.Direction) throws -> SealedEnd<Libcrypto.AES256GCM> {
            try .init(
                key: 1, sends: direction, sending: .init(library, key: key), opening: .init(library, key: key))
        }
        var one = try end(.fromAsking)
        var same = try end(.fromAsking)
        var two = try end(.fromAsked)
        let datagram = one.sealed(content)
        let (again, refused, opened) = (same.sealed(content), same.opened(datagram), two.opened(datagram))
        #expect(again == datagram)
        #expect(refused == .failure(.forged))
        #expect(opened == .success(content))
    }

    @Test func `a key that is used up seals nothing more`() throws {
        let library = try Libcrypto()
        let key = [UInt8](repeating: 9, count: 32)
        var end = try SealedEnd<Libcrypto.AES256GCM>(
            key: 1, sends: .fromAsking, sending: .init(library, key: key), opening: .init(library, key: key), most: 2)
        let lengths = (0..<4).map { _ in end.sealed(content).count }
        #expect(lengths == [content.count + 32, content.count + 32, 0, 0])
        #expect(end.sent == 2)
    }

    @Test func `a forged number pushes no window on`() throws {
        let pair = try SealedPair()
        let first = pair.one.sealed(content)
        var forged = first
        for index in 8..<16 { forged[index] = 0xFF }
        #expect(pair.two.opened(forged) == .failure(.forged))
        #expect(pair.two.opened(first) == .success(content))
    }
}

struct ReplayWindowTests {
    @Test func `it is a set of what was noted, with a lower end`() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<200 {
            var window = ReplayWindow()
            var noted: Set<UInt64> = []
            var around: UInt64 = [0, 1000, .max - 500].randomElement(using: &random)!
            for _ in 0..<500 {
                let number = around &+ .random(in: 0...100, using: &random)
                guard number >= around else { continue }
                let isOld = noted.max().map { $0 > number && $0 - number >= ReplayWindow.size } ?? false
                #expect(window.isNew(number) == (!isOld && !noted.contains(number)))
                window.note(number)
                noted.insert(number)
                #expect(!window.isNew(number) && window.newest == noted.max())
                if around < .max - 200 { around += .random(in: 0...3, using: &random) }
            }
        }
    }

    @Test func `at its borders`() {
        var window = ReplayWindow()
        #expect(window.newest == nil && window.isNew(0) && window.isNew(.max))
        window.note(0)
        window.note(64)
        #expect(!window.isNew(0) && window.isNew(1) && window.isNew(63) && !window.isNew(64) && window.isNew(65))
        window.note(1)
        window.note(.max)
        #expect(!window.isNew(1) && !window.isNew(.max - 64) && window.isNew(.max - 63) && !window.isNew(.max))
    }
}

struct LinkKeysTests {
    private func keys(_ secret: String, _ asking: UInt8, _ asked: UInt8, draw: Int = 16) throws -> LinkKeys? {
        let library = try Libcrypto()
        return LinkKeys(
            secret: secret, asking: .init(repeating: asking, count: draw), asked: .init(repeating: asked, count: draw)
        ) { library.hkdf(secret: $0, salt: $1, purpose: $2, count: $3) }
    }

    @Test func `another secret or another draw is another key, in each direction`() throws {
        let all = [
            try keys("sixteen letters!", 1, 2), try keys("sixteen letters?", 1, 2), try keys("sixteen letters!", 1, 3),
            try keys("sixteen letters!", 2, 1),
        ].compactMap(\.self)
        #expect(all.count == 4)
        #expect(Set(all.flatMap { [$0.fromAsking, $0.fromAsked] }).count == 8)
        #expect(Set(all.map(\.number)).count == 4)
        #expect(try keys("sixteen letters!", 1, 2)?.fromAsked == all[0].fromAsked)
    }

    @Test func `a short secret or draw makes none`() throws {
        #expect(try keys("fifteen letters", 1, 2) == nil)
        #expect(try keys("sixteen letters!", 1, 2, draw: 15) == nil)
    }
}
