import Linux
import MIDI
import Rooms
import Sequencer

/// Rooms with controllers: what these are told of who feeds back to them now, and who would.
extension PatchBayLoop {
    /// Lights and faders follow who feeds back to them: what is set there, and what is lit.
    func tellState(of speaker: Port, to controller: Port) {
        hearMessages()
        var messages: [Message] = []
        speaker.played.controls.tell { messages.append($0) }
        speaker.played.tellHeld { messages.append($0) }
        outbox.add(messages, to: controller.address, errand: Outbox.Errand(isUnconditional: true) { _ in })
        send()
    }

    /// Whether the note has ended while its beginning waited to be told.
    func isOver(_ message: Message, at controller: Address) -> Bool {
        guard case .noteOn(let channel, let note, _) = message, let port = ports[controller] else { return false }
        let off = Message.noteOff(channel, note: note, velocity: 64)
        return !port.sources.contains { self.port($0)?.played.held.holds(off) ?? false }
    }

    /// Somebody plays: the hub gives it the focus where nobody has it, or only somebody of whom the daemon hears no more.
    func tellTouch(of port: Port) {
        let name = port.engine.room
        guard let focus = plans[name]?.focus, focus.byTouch ?? false, focus.holder?.member != port.text,
            let room = rooms[name]
        else { return }
        let now = SystemTime.monotonicNanoseconds / 1_000_000
        guard now >= touchDue[name] ?? 0, room.refusal(ofFocusTo: port.text) == nil else { return }
        touchDue[name] = now + 1000
        news.send(.touched(port.id))
    }
}
