/// What the four play: A minor, F, C and G, a bar each, at 120 beats a minute, in steps of a sixteenth.
enum DemoPart: String, CaseIterable {
    case drums = "Drums"
    case bass = "Bass"
    case piano = "Piano"
    case flute = "Flute"

    static let step: Duration = .milliseconds(125)
    private static let stepsPerBar = 16

    struct Note {
        let number: UInt8
        let velocity: UInt8
        /// How long it sounds.
        let steps: Int
    }

    /// From 0; drums have the channel that General MIDI gives them.
    var channel: UInt8 {
        switch self {
        case .piano: 0
        case .bass: 1
        case .flute: 2
        case .drums: 9
        }
    }

    private var program: UInt8 {
        switch self {
        case .drums, .piano: 0
        case .bass: 33
        case .flute: 73
        }
    }

    /// Roots and thirds of the four bars.
    private static let chords: [(root: UInt8, third: UInt8)] = [(45, 3), (41, 4), (48, 4), (43, 4)]
    /// The flute's phrase over four bars: step, note, length.
    private static let phrase: [(Int, UInt8, Int)] = [
        (0, 76, 4), (6, 74, 2), (8, 72, 6), (16, 69, 4), (20, 72, 4), (24, 77, 6), (32, 76, 6), (38, 72, 2),
        (40, 67, 8), (48, 71, 4), (52, 74, 4), (56, 79, 3), (60, 74, 3),
    ]

    /// What is sent at a step, counted from the beginning: messages that are no notes, then notes.
    func plays(at step: Int) -> (messages: [[UInt8]], notes: [Note]) {
        let sixteenth = step % Self.stepsPerBar
        let bar = step / Self.stepsPerBar % Self.chords.count
        let chord = Self.chords[bar]
        var messages: [[UInt8]] = []
        // Repeated in every round for those who have joined since.
        if sixteenth == 0, bar == 0 { messages.append([0xC0 | channel, program]) }
        switch self {
        case .drums:
            var notes: [Note] = []
            if [0, 6, 8].contains(sixteenth) { notes.append(Note(number: 36, velocity: 110, steps: 1)) }
            if [4, 12].contains(sixteenth) { notes.append(Note(number: 38, velocity: 100, steps: 1)) }
            if sixteenth % 2 == 0 { notes.append(Note(number: 42, velocity: sixteenth % 4 == 0 ? 80 : 55, steps: 1)) }
            return (messages, notes)
        case .bass:
            let steps = [0: 3, 3: 3, 6: 2, 8: 3, 11: 3, 14: 2]
            guard let length = steps[sixteenth] else { return (messages, []) }
            let number = chord.root - 12 + (sixteenth == 14 ? 7 : 0)
            return (messages, [Note(number: number, velocity: sixteenth == 0 ? 105 : 85, steps: length)])
        case .piano:
            if sixteenth == 0 { messages.append([0xB0 | channel, 64, 127]) }
            if sixteenth == 15 { messages.append([0xB0 | channel, 64, 0]) }
            guard [0, 6, 10].contains(sixteenth) else { return (messages, []) }
            let velocity: UInt8 = sixteenth == 0 ? 80 : 60
            return (
                messages,
                [12, 12 + chord.third, 19, 24].map { Note(number: chord.root + $0, velocity: velocity, steps: 4) }
            )
        case .flute:
            let moment = step % (Self.stepsPerBar * Self.chords.count)
            // A little vibrato on long notes.
            if sixteenth % 4 == 2 { messages.append([0xB0 | channel, 1, UInt8(sixteenth * 4)]) }
            return (
                messages,
                Self.phrase.filter { $0.0 == moment }.map { Note(number: $0.1, velocity: 90, steps: $0.2) }
            )
        }
    }
}
