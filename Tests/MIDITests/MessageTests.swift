import MIDI
import TestSupport
import Testing

/// One of each kind, with the bytes that MIDI 1.0 table II gives it.
private let examples: [(message: Message, bytes: [UInt8])] = [
    (.noteOff(Channel(truncating: 0), note: 60, velocity: 64), [0x80, 60, 64]),
    (.noteOn(Channel(truncating: 15), note: 127, velocity: 1), [0x9F, 127, 1]),
    (.polyPressure(Channel(truncating: 3), note: 0, pressure: 127), [0xA3, 0, 127]),
    (.controlChange(Channel(truncating: 9), controller: 64, value: 127), [0xB9, 64, 127]),
    (.programChange(Channel(truncating: 1), program: 5), [0xC1, 5]),
    (.channelPressure(Channel(truncating: 2), pressure: 99), [0xD2, 99]),
    (.pitchBend(Channel(truncating: 4), .centre), [0xE4, 0x00, 0x40]),
    (.pitchBend(Channel(truncating: 4), Bend(truncating: 1)), [0xE4, 0x01, 0x00]),
]

private func decoded(_ bytes: [UInt8]) throws(MessageError) -> Message { try Message(decoding: bytes.span) }

@Test(arguments: examples.indices)
func `each kind of message has its bytes, and the bytes have their message`(index: Int) throws {
    let example = examples[index]
    #expect(example.message.bytes == example.bytes)
    #expect(try decoded(example.bytes) == example.message)
}

@Test func `every status with every data byte comes back as it went`() throws {
    for status in UInt8(0x80)...0xEF {
        for data in UInt8(0)...127 {
            let short = [status, data]
            let long = [status, data, 127 - data]
            let bytes = (0xC0..<0xE0).contains(status) ? short : long
            let message = try decoded(bytes)
            #expect(message.bytes == bytes)
            #expect(message.channel.rawValue == status & 0x0F)
        }
    }
}

@Test(arguments: examples.indices)
func `a message cut short says how much it needs`(index: Int) {
    let bytes = examples[index].bytes
    #expect(throws: MessageError.empty) { try decoded([]) }
    for size in 1..<bytes.count {
        #expect(throws: MessageError.truncated(needed: bytes.count, had: size)) { try decoded(Array(bytes[..<size])) }
    }
    #expect(throws: MessageError.trailing(2)) { try decoded(bytes + [0, 0]) }
}

@Test func `what is no channel message is told apart`() {
    #expect(throws: MessageError.noStatus(0x3C)) { try decoded([0x3C, 0x40]) }
    #expect(throws: MessageError.system(status: 0xF0)) { try decoded([0xF0, 0x7E, 0xF7]) }
    #expect(throws: MessageError.system(status: 0xFE)) { try decoded([0xFE]) }
    #expect(throws: MessageError.statusAmongData(0x80, at: 2)) { try decoded([0x90, 0x3C, 0x80]) }
}

@Test func `random bytes are either refused or come back as they went`() {
    var random = SeededRandom(seed: 1)
    for _ in 0..<20_000 {
        let bytes = (0..<Int.random(in: 0...5, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        if let message = try? decoded(bytes) { #expect(message.bytes == bytes) }
    }
}
