import RTPMIDI

/// What one entry of a MIDI list says, as JSON values.
enum EntryWords {
    typealias Object = [String: Any]

    static func describe(_ entry: CommandListReader.Entry, _ octets: [UInt8]) -> Object {
        switch entry {
        case .command(let command, let isRunning):
            var object = describe(command)
            object["bytes"] = DecodedValue.hex(command.bytes)
            object["channel"] = command.status & 0x0F
            if isRunning { object["running_status"] = true }
            return object
        case .system(let message):
            var object = describe(message)
            object["bytes"] = DecodedValue.hex(message.bytes)
            return object
        case .sysEx(let part, let data):
            return [
                "bytes": DecodedValue.hex(octets[data.lowerBound - 1...data.upperBound]), "type": "sysex",
                "segment": segment(part),
                "data": DecodedValue.hex(octets[data]),
            ]
        }
    }
    private static func describe(_ command: ChannelCommand) -> Object {
        switch command.status & 0xF0 {
        case 0x80: ["type": "note_off", "note": command.first, "velocity": command.second]
        case 0x90: ["type": "note_on", "note": command.first, "velocity": command.second]
        case 0xA0: ["type": "poly_pressure", "note": command.first, "pressure": command.second]
        case 0xB0: ["type": "control_change", "controller": command.first, "value": command.second]
        case 0xC0: ["type": "program_change", "program": command.first]
        case 0xD0: ["type": "channel_pressure", "pressure": command.first]
        default:
            [
                "type": "pitch_wheel", "first": command.first, "second": command.second,
                "value14": Int(command.second) << 7 | Int(command.first),
            ]
        }
    }
    private static func describe(_ message: SystemMessage) -> Object {
        switch message.status {
        case 0xF1: ["type": "mtc_quarter_frame", "value": message.first]
        case 0xF2: ["type": "song_position", "first": message.first, "second": message.second]
        case 0xF3: ["type": "song_select", "song": message.first]
        case 0xF6: ["type": "tune_request"]
        case 0xF8: ["type": "timing_clock"]
        case 0xFA: ["type": "start"]
        case 0xFB: ["type": "continue"]
        case 0xFC: ["type": "stop"]
        case 0xFE: ["type": "active_sensing"]
        case 0xFF: ["type": "system_reset"]
        default: ["type": "undefined"]
        }
    }
    private static func segment(_ part: SysExPart) -> String {
        switch part {
        case .whole: "complete"
        case .first: "first"
        case .middle: "middle"
        case .last: "last"
        case .cancel: "cancel"
        case .wholeUnended: "complete_dropped_f7"
        case .lastUnended: "last_dropped_f7"
        }
    }
}
