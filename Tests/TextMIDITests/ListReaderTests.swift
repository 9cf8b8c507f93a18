import TestSupport
import Testing
import TextMIDI

struct ListReaderTests {
    private func read(_ parts: [String], apart: UInt64 = 0) -> (messages: [[UInt8]], unreadable: UInt64, isClient: Bool)
    {
        var reader = ListReader()
        var messages: [[UInt8]] = []
        var isClient = true
        for (index, part) in parts.enumerated() {
            isClient = reader.read(Array(part.utf8).span, at: UInt64(index) * apart) { messages.append($0) } && isClient
        }
        return (messages, reader.unreadable, isClient)
    }

    static let messages: [[UInt8]] = [
        [144, 60, 100], [128, 60, 64], [144, 60, 0], [161, 64, 34], [176, 7, 100], [224, 0, 64], [242, 16, 32],
        [195, 5],
        [210, 51], [241, 35], [243, 5], [248], [250], [251], [252], [254], [255], [246], [240, 126, 127, 6, 1, 247],
        [240, 247],
    ]

    @Test func `each message is read as it is written`() {
        for message in Self.messages {
            let read = read([String(decoding: ListSender.text(message), as: UTF8.self)])
            #expect(read.messages == [message] && read.unreadable == 0 && read.isClient)
        }
    }

    @Test func `glued messages come out whole and in their order, however they are cut`() {
        let text = Self.messages.map { String(decoding: ListSender.text($0), as: UTF8.self) }.joined()
        for size in 1...text.count {
            let parts = stride(from: 0, to: text.count, by: size).map { String(text.dropFirst($0).prefix(size)) }
            #expect(read(parts).messages == Self.messages)
        }
    }

    @Test(arguments: ["[144,60,64]", "[ 144 , 060 ,\t64 ]", "\r\n[144, 60, 64]\n", "[144, 60, 64]   "])
    func `blanks, line ends and leading zeros are no trouble`(text: String) {
        let read = read([text])
        #expect(read.messages == [[144, 60, 64]] && read.unreadable == 0)
    }

    @Test(arguments: [
        "[]", "[ ]", "[144]", "[144, 60]", "[144, 60, 64, 1]", "[60, 64]", "[144, 128, 64]", "[144, 256, 1]",
        "[144, 0060, 1]",
        "[144, , 64]", "[144, 60, ]", "[, 60, 64]", "[144 60 64]", "[144, -60, 64]", "[144, 60, 6x4]", "[240, 1, 2]",
        "[240, 144, 247]", "[249]", "[253]", "[247]", "[144, 60, 64, 144, 60, 64]", "[144, 60, 64}]", "[1e3]",
    ])
    func `what is no message is left out and counted once, and the next one is heard`(text: String) {
        let read = read([text, "[144, 1, 2]"])
        #expect(read.messages == [[144, 1, 2]] && read.unreadable == 1 && read.isClient)
    }

    @Test func `a message that was cut off does not spoil the one behind it`() {
        let read = read(["[144, 6[144, 60, 100][128, ", "[128, 60, 64]"])
        #expect(read.messages == [[144, 60, 100], [128, 60, 64]] && read.unreadable == 2)
    }

    @Test func `what stands between lists is counted once a piece`() {
        let read = read(["[248]abc, def[248]]]][248]"])
        #expect(read.messages == [[248], [248], [248]] && read.unreadable == 2)
    }

    @Test(arguments: ["GET / HTTP/1.1\r\n\r\n[144, 60, 64]", "\u{16}\u{3}\u{1}", "SSH-2.0-x\r\n", "{}", "\r\n]", "\0"])
    func `who begins with anything but a list is no client`(text: String) {
        let read = read([text])
        #expect(!read.isClient && read.messages.isEmpty)
    }

    @Test func `system exclusive comes whole up to its longest, and beyond is left out`() {
        for (count, isTaken) in [(65536, true), (65537, false)] {
            let message: [UInt8] = [240] + [UInt8](repeating: 1, count: count) + [247]
            let read = read([String(decoding: ListSender.text(message), as: UTF8.self), "[248]"])
            #expect(read.messages == (isTaken ? [message, [248]] : [[248]]) && read.unreadable == (isTaken ? 0 : 1))
        }
    }

    @Test func `a list that does not end in ten seconds is left out up to its end`() {
        let read = read(["[144, ", "60, 64][144, 1, 2]"], apart: ListReader.patience + 1)
        #expect(read.messages == [[144, 1, 2]] && read.unreadable == 1)
        #expect(self.read(["[144, ", "60, 64]"], apart: ListReader.patience).messages == [[144, 60, 64]])
    }

    @Test func `any octets are read to their end, and what comes out is a message`() {
        var random = SeededRandom(seed: 141)
        let letters = Array("[[[]]]0123456789,,,,    \n-x\u{7F}".utf8)
        for _ in 0..<2000 {
            var reader = ListReader()
            var text: [UInt8] = [UInt8(ascii: "[")]
            for _ in 0..<Int.random(in: 0..<200, using: &random) {
                text.append(letters.randomElement(using: &random) ?? 0)
            }
            _ = reader.read(text.span, at: 0) { message in
                #expect(message[0] >= 0x80 && message.dropFirst().dropLast().allSatisfy { $0 < 0x80 })
            }
        }
    }
}
