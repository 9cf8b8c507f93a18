import MIDI

/// What a participant holds down now and what it has set, to be shown: bounded, whatever somebody sends.
package struct ActiveNotes: Hashable, Codable, Sendable {
    package struct Note: Hashable, Codable, Sendable {
        /// 1 to 16.
        package var channel: Int
        /// 0 to 127; 60 is C4.
        package var note: Int
        package init(channel: Int, note: Int) { (self.channel, self.note) = (channel, note) }
    }

    /// Controllers, programs, pressure and bend as they were last set.
    package struct Control: Hashable, Codable, Sendable {
        package enum What: String, Codable, Sendable { case controller, program, pressure, bend }
        package var channel: Int
        package var what: What
        /// Of a controller: which.
        package var number: Int?
        /// 0 to 127; of a bend -8192 to 8191.
        package var value: Int
        package init(channel: Int, what: What, number: Int? = nil, value: Int) {
            (self.channel, self.what, self.number, self.value) = (channel, what, number, value)
        }
    }

    package var notes: [Note] = []
    package var controls: [Control] = []

    /// At most so many, the lowest channels first.
    package static let most = 64

    package init(_ held: HeldState, _ set: ControlState) {
        held.tellNotes(held: true) { channel, note in
            if notes.count < Self.most { notes.append(Note(channel: channel.number, note: Int(note.rawValue))) }
        }
        set.tell { message in
            guard controls.count < Self.most else { return }
            let channel = message.channel.number
            switch message {
            // The single controllers of a parameter mean nothing by themselves.
            case .controlChange(_, 6, _), .controlChange(_, 38, _), .controlChange(_, 98, _),
                .controlChange(_, 99, _), .controlChange(_, 100, _), .controlChange(_, 101, _):
                break
            case .controlChange(_, let controller, let value):
                controls.append(
                    Control(
                        channel: channel, what: .controller, number: Int(controller.rawValue),
                        value: Int(value.rawValue))
                )
            case .programChange(_, let program):
                controls.append(Control(channel: channel, what: .program, value: Int(program.rawValue)))
            case .channelPressure(_, let pressure):
                controls.append(Control(channel: channel, what: .pressure, value: Int(pressure.rawValue)))
            case .pitchBend(_, let bend):
                controls.append(Control(channel: channel, what: .bend, value: Int(bend.rawValue) - 8192))
            case .noteOn, .noteOff, .polyPressure: break
            }
        }
    }

    package var isEmpty: Bool { notes.isEmpty && controls.isEmpty }
}

extension Channel {
    /// Channels as people count them, from 1.
    fileprivate var number: Int { Int(rawValue) + 1 }
}
