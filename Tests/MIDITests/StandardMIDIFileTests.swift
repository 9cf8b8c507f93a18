import MIDI
import TestSupport
import Testing

struct StandardMIDIFileTests {
    private func file(
        format: Int = 0, division: Int = 480, tracks: [[UInt8]], count: Int? = nil
    ) -> [UInt8] {
        var bytes = Array("MThd".utf8) + [0, 0, 0, 6, 0, UInt8(format), 0, UInt8(count ?? tracks.count)]
        bytes += [UInt8(division >> 8), UInt8(division & 0xFF)]
        for track in tracks {
            bytes += Array("MTrk".utf8) + [0, 0, UInt8(track.count >> 8), UInt8(track.count & 0xFF)] + track
        }
        return bytes
    }
    private func played(_ bytes: [UInt8]) throws -> [String] {
        try StandardMIDIFile(decoding: bytes).playback.map { "\($0.at) \(hex($0.bytes))" }
    }
    private let end: [UInt8] = [0x00, 0xFF, 0x2F, 0x00]

    /// The example of the specification (RP-001, page 14), format 0: text, metre and tempo, then four notes with running
    /// status.
    private let example = bytes(
        hex: """
            4d54686400000006000000010060 4d54726b0000003b 00ff580404021808 00ff510307a120 00c005 00c12e 00c246 \
            00923060 003c60 60914340 60904c20 8140823040 003c40 00814340 00804c40 00ff2f00
            """.filter { $0 != " " })!

    @Test func `the specification's example of format 0 is played at its tempo`() throws {
        #expect(
            try played(example) == [
                "0.0 seconds c005", "0.0 seconds c12e", "0.0 seconds c246", "0.0 seconds 923060",
                "0.0 seconds 923c60", "0.5 seconds 914340", "1.0 seconds 904c20", "2.0 seconds 823040",
                "2.0 seconds 823c40", "2.0 seconds 814340", "2.0 seconds 804c40",
            ])
    }

    @Test func `in format 1 the tempos of the first track hold for all`() throws {
        let tempo: [UInt8] =
            [0x00, 0xFF, 0x51, 3, 0x0F, 0x42, 0x40] + [0x83, 0x60, 0xFF, 0x51, 3, 0x03, 0xD0, 0x90] + end
        let notes: [UInt8] = [0x00, 0x90, 60, 100, 0x83, 0x60, 60, 0, 0x83, 0x60, 62, 100] + end
        #expect(
            try played(file(format: 1, tracks: [tempo, notes])) == [
                "0.0 seconds 903c64", "1.0 seconds 903c00", "1.25 seconds 903e64",
            ])
    }

    @Test func `events of one moment keep the order of the tracks, tempo first or not`() throws {
        let one: [UInt8] = [0x0A, 0x90, 60, 100] + end
        let other: [UInt8] = [0x0A, 0xC0, 5, 0x00, 0xFF, 0x51, 3, 0, 0, 1] + end
        let events = try StandardMIDIFile(decoding: file(format: 1, tracks: [one, other])).playback
        #expect(events.map { hex($0.bytes) } == ["903c64", "c005"])
    }

    @Test(arguments: [(0xE728, 1_000_000), (0xE850, 520_833), (0xE250, 416_666), (0xE350, 417_083)])
    func `a thousand ticks by time code`(division: Int, microseconds: Int64) throws {
        // 25 frames of 40 ticks; 24, 30 and 29.97 frames of 80.
        let track = [0x87, 0x68, 0x90, 60, 1] + end
        let event = try #require(StandardMIDIFile(decoding: file(division: division, tracks: [track])).playback.first)
        let (seconds, attoseconds) = event.at.components
        #expect(seconds * 1_000_000 + attoseconds / 1_000_000_000_000 == microseconds)
    }

    @Test func `system exclusive is put together from its parts, and escapes are sent as they are`() throws {
        let track: [UInt8] =
            [0x00, 0xF0, 4, 0x7E, 0x7F, 0x09, 0xF7]  // whole
            + [0x00, 0xF0, 2, 0x43, 0x12, 0x10, 0xF7, 1, 0x01, 0x10, 0xF7, 2, 0x02, 0xF7]  // in three parts
            + [0x00, 0xF7, 1, 0xFA, 0x00, 0xF7, 3, 0xF2, 1, 2, 0x00, 0xF7, 0] + end
        let events = try StandardMIDIFile(decoding: file(tracks: [track])).tracks[0]
        #expect(events.map(\.tick) == [0, 32, 32, 32])
        #expect(
            events.map(\.content) == [
                .systemExclusive([0xF0, 0x7E, 0x7F, 0x09, 0xF7]),
                .systemExclusive([0xF0, 0x43, 0x12, 0x01, 0x02, 0xF7]),
                .escaped([0xFA]), .escaped([0xF2, 1, 2]),
            ])
    }

    @Test func `what needs no end has none`() throws {
        // No end of track; octets behind it; a chunk of another kind before it; a longer header.
        #expect(try played(file(tracks: [[0x00, 0x90, 60, 100]])).count == 1)
        #expect(try played(file(tracks: [end + [0x00, 0x90, 60, 100]])).isEmpty)
        var long = file(tracks: [[0x00, 0x90, 60, 100] + end])
        long.insert(contentsOf: Array("XFIH".utf8) + [0, 0, 0, 2, 1, 2], at: 14)
        long.insert(contentsOf: [9, 9], at: 14)
        long[7] = 8
        #expect(try played(long).count == 1)
        #expect(try played(file(tracks: [])).isEmpty)
    }

    @Test func `a tempo of zero or of a wrong size is not obeyed`() throws {
        let track: [UInt8] = [0x00, 0xFF, 0x51, 3, 0, 0, 0, 0x00, 0xFF, 0x51, 2, 1, 1, 0x83, 0x60, 0x90, 60, 1]
        #expect(try played(file(tracks: [track])) == ["0.5 seconds 903c01"])
    }

    // MARK: Damage

    @Test(
        arguments: [
            ([0x00, 60, 100], "data without a status"),
            ([0x00, 0x90, 60, 100, 0x00, 0xFF, 1, 0, 0x00, 62, 100], "data without a status"),
            ([0x00, 0x90, 60, 100, 0x00, 0xF0, 1, 0xF7, 0x00, 62, 100], "data without a status"),
            ([0x00, 0x90, 0x90, 100], "a status where data belongs"),
            ([0x00, 0xF8], "a system message without its F7"),
            ([0x80, 0x80, 0x80, 0x80, 0x00, 0x90, 1, 1], "a number of more than four octets"),
            ([0x00, 0xF0, 3, 1, 0x80, 0xF7], "a status in system exclusive data"),
        ] as [([UInt8], String)])
    func `a damaged track is refused with the reason`(track: [UInt8], reason: String) {
        let error = #expect(throws: MIDIFileError.self) { try StandardMIDIFile(decoding: file(tracks: [track])) }
        #expect(error?.description.hasSuffix(reason) == true, "\(String(describing: error))")
    }

    @Test func `what is no MIDI file, or of another format, is refused`() {
        #expect(throws: MIDIFileError.notMIDI) { try StandardMIDIFile(decoding: []) }
        #expect(throws: MIDIFileError.notMIDI) { try StandardMIDIFile(decoding: Array("RIFF....RMID".utf8)) }
        #expect(throws: MIDIFileError.format(2)) { try StandardMIDIFile(decoding: file(format: 2, tracks: [end])) }
        #expect(throws: MIDIFileError.tooLarge) {
            try StandardMIDIFile(decoding: [UInt8](repeating: 0, count: StandardMIDIFile.largest + 1))
        }
        for division in [0, 0x8000, 0xE700, 0x9028] {
            #expect(throws: MIDIFileError.self) {
                try StandardMIDIFile(decoding: file(division: division, tracks: [end]))
            }
        }
    }

    @Test func `cut at any length it is refused`() {
        for length in 0..<example.count {
            #expect(throws: MIDIFileError.self) { try StandardMIDIFile(decoding: Array(example.prefix(length))) }
        }
    }

    @Test func `lengths beyond the end are refused`() {
        for track in [[0x00, 0xFF, 1, 100], [0x00, 0xF0, 0xFF, 0xFF, 0xFF, 0x7F, 1], [0x00, 0x90, 60]] as [[UInt8]] {
            #expect(throws: MIDIFileError.self) { try StandardMIDIFile(decoding: file(tracks: [track])) }
        }
        #expect(throws: MIDIFileError.self) { try StandardMIDIFile(decoding: file(tracks: [end], count: 2)) }
    }

    @Test func `no damage traps`() {
        var random = SeededRandom(seed: 21)
        var read = 0
        for _ in 0..<5_000 {
            var bytes = example
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 4..<bytes.count, using: &random)] = UInt8(random.next() & 0xFF)
            }
            guard let file = try? StandardMIDIFile(decoding: bytes) else { continue }
            read += 1
            let times = file.playback.map(\.at)
            #expect(times == times.sorted())
        }
        #expect(read > 100)
    }

    @Test func `times add up without overflow`() throws {
        let slow: [UInt8] = [0x00, 0xFF, 0x51, 3, 0xFF, 0xFF, 0xFF]
        let long = (0..<5_000).flatMap { _ in [0xFF, 0xFF, 0xFF, 0x7F, 0x90, 60, 1] as [UInt8] }
        let events = try StandardMIDIFile(decoding: file(division: 1, tracks: [slow + long])).playback
        let each = Duration.microseconds(0xFF_FFFF) * 0x0FFF_FFFF
        #expect(events.count == 5_000 && events[4_999].at == each * 5_000)
    }
}
