import MIDI
import Rooms
import Testing

struct SoundingTests {
    private func sounding(_ messages: [Message]) -> ActiveNotes {
        var (held, set) = (HeldState(), ControlState())
        for message in messages {
            held.apply(message)
            set.apply(message)
        }
        return ActiveNotes(held, set)
    }
    private let two = Channel(truncating: 1)

    @Test func `channels count from one, bends from the centre`() {
        let sounding = sounding([
            .noteOn(two, note: 61, velocity: 1), .noteOn(two, note: 62, velocity: 1),
            .noteOff(two, note: 62, velocity: 0),
            .pitchBend(two, Bend(truncating: 0)), .programChange(two, program: 0), .channelPressure(two, pressure: 3),
            .controlChange(two, controller: 7, value: 0),
        ])
        #expect(sounding.notes == [.init(channel: 2, note: 61)])
        #expect(
            sounding.controls == [
                .init(channel: 2, what: .program, value: 0), .init(channel: 2, what: .controller, number: 7, value: 0),
                .init(channel: 2, what: .pressure, value: 3), .init(channel: 2, what: .bend, value: -8192),
            ])
    }

    @Test func `it is bounded, whatever somebody holds`() {
        let all = Channel.all.flatMap { channel in
            DataByte.all.flatMap { byte in
                [
                    Message.noteOn(channel, note: byte, velocity: 1),
                    Message.controlChange(channel, controller: byte, value: 1),
                ]
            }
        }
        // Some controllers are commands that end notes.
        let sounding = sounding(all + DataByte.all.map { .noteOn(two, note: $0, velocity: 1) })
        #expect(sounding.notes.count == ActiveNotes.most && sounding.controls.count == ActiveNotes.most)
        #expect(self.sounding([]).isEmpty)
    }
}
