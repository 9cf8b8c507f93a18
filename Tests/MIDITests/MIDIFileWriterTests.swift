import MIDI
import TestSupport
import Testing

struct MIDIFileWriterTests {
    @Test func `what is written is read again, at the same time`() throws {
        let events: [(at: Duration, bytes: [UInt8])] = [
            (.zero, [0xC0, 5]), (.milliseconds(3), [0x90, 60, 100]), (.microseconds(250_300), [0x90, 60, 0]),
            (.microseconds(250_300), [0xF0, 0x7E, 0x7F, 0x09, 0x01, 0xF7]), (.seconds(2), [0xF2, 1, 2]),
            (.seconds(2), [0xFA]), (.seconds(3600), [0xE1, 0, 64]),
        ]
        var writer = MIDIFileWriter(name: "Piano \u{266A}")
        for event in events {
            let isTaken = writer.append(event.bytes, at: event.at)
            #expect(isTaken)
        }
        #expect(writer.count == events.count)
        let file = try StandardMIDIFile(decoding: writer.bytes)
        #expect(file.format == 0 && file.division == .ticksPerQuarter(5000))
        #expect(file.playback.map(\.at) == events.map(\.at))
        #expect(file.playback.map(\.bytes) == events.map(\.bytes))
        #expect(file.tracks[0].first?.content == .meta(type: 3, Array("Piano \u{266A}".utf8)))
    }

    @Test func `an empty recording is a file too`() throws {
        let bytes = MIDIFileWriter(name: "").bytes
        #expect(hex(bytes) == "4d546864000000060000000113884d54726b0000000f00ff030000ff510307a12000ff2f00")
        #expect(try StandardMIDIFile(decoding: bytes).playback.isEmpty)
    }

    @Test(
        arguments: [
            [], [60, 100], [0x90, 60], [0x90, 60, 100, 1], [0x90, 0x80, 1], [0xF0, 1, 2], [0xF0], [0xF0, 0x90, 0xF7],
            [0xF7], [0xF2, 0x80, 1], [0xF8], [0xFE], [0xF6, 1, 2, 3],
        ] as [[UInt8]])
    func `what is no message is not taken`(bytes: [UInt8]) {
        var writer = MIDIFileWriter(name: "")
        let before = writer.bytes
        let isTaken = writer.append(bytes, at: .seconds(1))
        #expect(!isTaken)
        #expect(writer.bytes == before && writer.count == 0)
    }

    @Test func `a time that goes back counts as the one before`() throws {
        var writer = MIDIFileWriter(name: "")
        writer.append([0xC0, 1], at: .seconds(2))
        writer.append([0xC0, 2], at: .seconds(1))
        writer.append([0xC0, 3], at: .seconds(3))
        #expect(
            try StandardMIDIFile(decoding: writer.bytes).playback.map(\.at) == [.seconds(2), .seconds(2), .seconds(3)])
    }

    @Test func `days of silence are kept`() throws {
        var writer = MIDIFileWriter(name: "")
        writer.append([0xC0, 1], at: .seconds(86_400 * 3))
        #expect(try StandardMIDIFile(decoding: writer.bytes).playback.map(\.at) == [.seconds(86_400 * 3)])
    }
}
