import Rooms
import WebAPI

/// What sounds, in a musician's words: "C4 E4 G4, sustain, mod 64", by channel where it is not the first alone.
enum NoteNames {
    private static let steps = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]

    /// 60 is C4.
    static func name(_ note: Int) -> String { "\(steps[note % 12])\(note / 12 - 1)" }

    static func text(_ sounds: API.Sounds) -> String {
        let channels = Set(sounds.notes.map(\.channel) + sounds.controls.map(\.channel)).sorted()
        return channels.compactMap { channel in
            let notes = sounds.notes.filter { $0.channel == channel && (0...127).contains($0.note) }
                .map { name($0.note) }.joined(separator: " ")
            let controls = sounds.controls.filter { $0.channel == channel }.compactMap(text)
            let all = ((notes.isEmpty ? [] : [notes]) + controls).joined(separator: ", ")
            if all.isEmpty { return nil }
            return channels == [1] ? all : "\(channel): \(all)"
        }.joined(separator: "; ")
    }

    /// nil for what is at rest.
    private static func text(_ control: ActiveNotes.Control) -> String? {
        switch control.what {
        case .program: return "program \(control.value + 1)"
        case .pressure: return control.value == 0 ? nil : "pressure \(control.value)"
        case .bend: return control.value == 0 ? nil : "bend \(control.value > 0 ? "+" : "")\(control.value)"
        case .controller:
            guard let number = control.number else { return nil }
            // Of a bank the program tells.
            if number == 0 || number == 32 { return nil }
            if let pedal = pedals[number] { return control.value >= 64 ? pedal : nil }
            return control.value == 0 ? nil : "\(controllers[number] ?? "CC\(number)") \(control.value)"
        }
    }

    /// MIDI 1.0, table III.
    private static let pedals = [
        64: "sustain", 65: "portamento", 66: "sostenuto", 67: "soft", 68: "legato", 69: "hold 2",
    ]
    private static let controllers = [
        1: "mod", 2: "breath", 4: "foot", 5: "portamento time", 7: "volume", 8: "balance", 10: "pan", 11: "expression",
        71: "resonance", 72: "release", 73: "attack", 74: "brightness", 91: "reverb", 93: "chorus",
    ]
}
