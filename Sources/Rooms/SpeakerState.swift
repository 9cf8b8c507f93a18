package import MIDI

/// What one who plays holds and has set, and how hard each held note was struck: all that another needs to go on from
/// here. Numbers and octets only, so that it can lie in a mapped file, and any bytes make a value.
package struct SpeakerState: BitwiseCopyable, Sendable {
    package var held = HeldState()
    package var controls = ControlState()
    /// By channel and note, for those that are held.
    private var velocities: [2048 of UInt8] = .init(repeating: 0)

    package init() {}

    package mutating func follow(_ message: Message) {
        held.apply(message)
        controls.apply(message)
        if case .noteOn(let channel, let note, let velocity) = message {
            velocities[Int(channel.rawValue) << 7 | Int(note.rawValue)] = velocity.rawValue
        }
    }

    /// Hands out note-ons for what is held.
    package func tellHeld(_ body: (Message) -> Void) {
        held.tellNotes(held: true) { channel, note in
            let velocity = velocities[Int(channel.rawValue) << 7 | Int(note.rawValue)]
            body(.noteOn(channel, note: note, velocity: DataByte(truncating: max(1, velocity))))
        }
    }

    /// Hands out what leads from here to `later`: the ends of what is not held there any more, the settings that differ,
    /// and, where `strikes`, the notes that have begun since.
    package func tell(differenceTo later: SpeakerState, strikes: Bool, _ body: (Message) -> Void) {
        for release in held.releases(whileHeldBy: [later.held], unseen: false) { body(release) }
        later.controls.tell(changedSince: controls) {
            // The pedals and bends that are let go of have been told.
            if !isRelease($0) { body($0) }
        }
        guard strikes else { return }
        later.tellHeld { on in
            guard case .noteOn(let channel, let note, _) = on else { return }
            if !held.holds(.noteOff(channel, note: note, velocity: 64)) { body(on) }
        }
    }

    private func isRelease(_ message: Message) -> Bool { !message.holds && held.holds(message) }
}
