/// A standard MIDI file (Standard MIDI Files 1.0, RP-001), of format 0 or 1, as read.
///
/// ```
/// MThd  length 4 = 6 | format 2 | tracks 2 | division 2: ticks a quarter note, or FPS and ticks a frame
/// MTrk  length 4 | (time since the one before, event)*      one a track; other chunks are skipped
/// event  channel message, running status allowed | F0 length octets | F7 length octets | FF type length octets
/// ```
package struct StandardMIDIFile: Hashable, Sendable {
    package enum Division: Hashable, Sendable {
        case ticksPerQuarter(Int)
        /// 24, 25, 29 (which means 29.97) or 30 frames a second.
        case ticksPerFrame(Int, framesPerSecond: Int)
    }

    package enum Content: Hashable, Sendable {
        case message(Message)
        /// From F0 to F7, put together where the file has it in parts.
        case systemExclusive([UInt8])
        /// Any other octets to send as they are: system messages.
        case escaped([UInt8])
        /// Microseconds a quarter note.
        case tempo(Int)
        case meta(type: UInt8, [UInt8])
    }

    package struct Event: Hashable, Sendable {
        /// Ticks since the beginning of the file.
        package let tick: Int
        package let content: Content
    }

    package let format: Int
    package let division: Division
    package let tracks: [[Event]]

    /// Larger ones are refused (64 MiB).
    package static let largest = 1 << 26

    package init(decoding bytes: [UInt8]) throws(MIDIFileError) {
        guard bytes.count <= Self.largest else { throw .tooLarge }
        var reader = Reader(bytes: bytes)
        guard bytes.starts(with: "MThd".utf8) else { throw .notMIDI }
        reader.offset = 4
        let headerEnd = try reader.chunkEnd()
        guard headerEnd - reader.offset >= 6 else { throw reader.malformed("a header chunk of less than 6 octets") }
        format = try reader.number(octets: 2)
        guard format < 2 else { throw .format(format) }
        let count = try reader.number(octets: 2)
        division = try reader.division()
        reader.offset = headerEnd

        var tracks: [[Event]] = []
        while tracks.count < count {
            let isTrack = try reader.read(4).elementsEqual("MTrk".utf8)
            let end = try reader.chunkEnd()
            if isTrack { tracks.append(try reader.track(until: end)) }
            reader.offset = end
        }
        self.tracks = tracks
    }

    // MARK: Playing

    /// What is to be sent, and when, counted from the beginning: the events of all tracks, by the tempos in any of
    /// them. Events of the same tick keep their tracks' order.
    package var playback: [(at: Duration, bytes: [UInt8])] {
        var events: [(tick: Int, order: Int, content: Content)] = []
        for track in tracks {
            for event in track { events.append((event.tick, events.count, event.content)) }
        }
        events.sort { ($0.tick, $0.order) < ($1.tick, $1.order) }

        var played: [(at: Duration, bytes: [UInt8])] = []
        var since = (tick: 0, time: Duration.zero)
        var tick = tickLength(tempo: 500_000)
        for event in events {
            let time = since.time + tick.length * (event.tick - since.tick) / tick.divisor
            switch event.content {
            case .message(let message): played.append((time, message.bytes))
            case .systemExclusive(let bytes), .escaped(let bytes): played.append((time, bytes))
            case .tempo(let tempo):
                since = (event.tick, time)
                tick = tickLength(tempo: tempo)
            case .meta: break
            }
        }
        return played
    }

    /// The length of a number of ticks, computed at once: one tick is often no whole number of any unit.
    private func tickLength(tempo: Int) -> (length: Duration, divisor: Int) {
        switch division {
        case .ticksPerQuarter(let ticks): (.microseconds(tempo), ticks)
        case .ticksPerFrame(let ticks, 29): (.milliseconds(1001), 30 * ticks)
        case .ticksPerFrame(let ticks, let frames): (.seconds(1), frames * ticks)
        }
    }
}

/// Why a file cannot be played. Places are octets from the beginning.
package enum MIDIFileError: Error, Hashable, CustomStringConvertible {
    case notMIDI
    case tooLarge
    /// Format 2, of independent patterns, or one that does not exist.
    case format(Int)
    case truncated(at: Int)
    case malformed(String, at: Int)

    package var description: String {
        switch self {
        case .notMIDI: "this is no standard MIDI file"
        case .tooLarge: "a MIDI file of more than 64 MiB"
        case .format(let format): "a MIDI file of format \(format); 0 and 1 can be played"
        case .truncated(let offset): "the MIDI file ends in the middle, at octet \(offset)"
        case .malformed(let what, let offset): "the MIDI file is damaged at octet \(offset): \(what)"
        }
    }
}
