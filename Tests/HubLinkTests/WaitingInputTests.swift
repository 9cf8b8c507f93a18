import MIDI
import Rooms
import Testing

@testable import HubLink

/// What waits at the hub that does not speak.
struct WaitingInputTests {
    private func on(_ note: UInt8, _ velocity: UInt8 = 100) -> WaitingInput.Event {
        .message(
            .noteOn(Channel(truncating: 0), note: DataByte(truncating: note), velocity: DataByte(truncating: velocity)))
    }
    private func off(_ note: UInt8) -> WaitingInput.Event {
        .message(.noteOff(Channel(truncating: 0), note: DataByte(truncating: note), velocity: 64))
    }
    private func rest(_ input: inout WaitingInput, at now: UInt64) -> [WaitingInput.Event] {
        var rest: [WaitingInput.Event] = []
        input.end(at: now) { rest.append($0) }
        return rest
    }

    @Test func `what the other hub has told of is over, whichever came first`() {
        var input = WaitingInput(SpeakerState())
        input.played(on(60), at: 10)
        input.told(on(60), at: 12)
        input.told(off(60), at: 20)
        input.played(off(60), at: 22)
        input.played(on(62), at: 30)
        #expect(rest(&input, at: 40) == [on(62)])
    }

    @Test func `what the other hub never tells of, and what is too late to be struck, is counted`() {
        var input = WaitingInput(SpeakerState())
        for note in [60, 61, 62] as [UInt8] { input.played(on(note), at: 10) }
        input.told(on(62), at: 12)
        #expect(input.forgotten == 2)
        input.told(on(63), at: 20)
        input.played(on(63), at: 21)
        #expect(input.forgotten == 2)
        input.played(on(64), at: 30)
        input.played(off(64), at: 31)
        #expect(rest(&input, at: 9_000) == [off(64)] && input.forgotten == 3)
        var other = WaitingInput(SpeakerState())
        other.played(on(60), at: 10)
        other.played(off(60), at: 20_000)
        #expect(other.forgotten == 1)
    }

    @Test func `a trill is matched one by one, not note by note`() {
        var input = WaitingInput(SpeakerState())
        for round in 0..<20 {
            input.played(on(60), at: UInt64(round * 100))
            input.played(off(60), at: UInt64(round * 100 + 50))
            if round < 17 {
                input.told(on(60), at: UInt64(round * 100 + 3))
                input.told(off(60), at: UInt64(round * 100 + 53))
            }
        }
        #expect(rest(&input, at: 2_000) == [on(60), off(60), on(60), off(60), on(60), off(60)])
    }

    @Test func `what got lost on the way to either hub leaves no trace behind it`() {
        var input = WaitingInput(SpeakerState())
        input.played(on(60), at: 10)
        input.played(on(61), at: 11)
        input.played(on(62), at: 12)
        input.told(on(60), at: 13)
        input.told(on(62), at: 14)
        input.told(on(99), at: 15)
        input.played(on(63), at: 16)
        input.told(on(63), at: 17)
        #expect(rest(&input, at: 20) == [])
    }

    @Test func `what was played before the other hub told of anything is over with the first that it tells of`() {
        var input = WaitingInput(SpeakerState())
        input.played(on(60), at: 10)
        input.told(on(62), at: 12)
        input.played(off(60), at: 13)
        input.played(on(62), at: 14)
        #expect(rest(&input, at: 20) == [])
    }

    @Test func `what the other hub has told of and comes only afterwards is no second note`() {
        var input = WaitingInput(SpeakerState())
        input.told(on(60), at: 10)
        input.told(off(60), at: 11)
        #expect(rest(&input, at: 20) == [])
        #expect(input.isBehind)
        let answers = [(on(60), UInt64(21)), (off(60), 22), (on(60), 23)].map { input.wasTold($0.0, at: $0.1) }
        #expect(answers == [true, true, false])
        #expect(!input.isBehind)
    }

    @Test func `notes that began long ago are not struck, their ends and everything else still count`() {
        var input = WaitingInput(SpeakerState())
        let pedal = WaitingInput.Event.message(
            .controlChange(Channel(truncating: 0), controller: 64, value: DataByte(truncating: 127)))
        for event in [on(60), pedal, off(60)] { input.played(event, at: 10) }
        input.played(on(61), at: 3_000)
        #expect(rest(&input, at: 4_000) == [pedal, off(60), on(61)])
        #expect(input.state.held.holds(.noteOff(Channel(truncating: 0), note: 61, velocity: 64)))
    }

    @Test func `what nobody tells of for a second is forgotten, and no more than a thousand wait`() {
        var input = WaitingInput(SpeakerState())
        input.played(on(60), at: 10)
        input.played(on(61), at: 20_000)
        #expect(input.waits(at: 20_500) == 500)
        for _ in 0..<3_000 { input.played(on(62), at: 20_001) }
        #expect(rest(&input, at: 20_002).count == 1024)
    }
}
