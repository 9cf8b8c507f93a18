import MIDI
import Rooms
import Testing

/// What is told to those who join late.
@Suite struct ControlStateTests {
    private let channel = Channel(truncating: 2)
    private func control(_ number: UInt8, _ value: UInt8) -> Message {
        .controlChange(channel, controller: DataByte(truncating: number), value: DataByte(truncating: value))
    }
    /// Control changes as number and value.
    private func told(_ played: [(UInt8, UInt8)], then more: Message...) -> [Message] {
        var state = ControlState()
        for (number, value) in played { state.apply(control(number, value)) }
        for message in more { state.apply(message) }
        var messages: [Message] = []
        state.tell { messages.append($0) }
        return messages
    }
    private func controls(_ pairs: (UInt8, UInt8)...) -> [Message] { pairs.map { control($0, $1) } }

    @Test func `the bend's range comes before the bend, with the null number behind it`() {
        let bend = Message.pitchBend(channel, Bend(truncating: 12_000))
        #expect(
            told([(101, 0), (100, 0), (6, 12), (38, 5), (101, 127), (100, 127)], then: bend)
                == controls((101, 0), (100, 0), (6, 12), (38, 5), (101, 127), (100, 127)) + [bend])
    }

    @Test func `tunings are told too, each with its number and one null at the end`() {
        #expect(
            told([(101, 0), (100, 2), (6, 70), (101, 0), (100, 1), (6, 64), (38, 9), (101, 127), (100, 127)])
                == controls((101, 0), (100, 1), (6, 64), (38, 9), (101, 0), (100, 2), (6, 70), (101, 127), (100, 127)))
    }

    @Test func `a number that was left selected is selected again behind the null`() {
        #expect(
            told([(101, 0), (100, 0), (6, 2)])
                == controls((101, 0), (100, 0), (6, 2), (101, 127), (100, 127), (101, 0), (100, 0)))
    }

    @Test func `data entry for a not-registered parameter is not taken for a registered one's`() {
        #expect(
            told([(101, 0), (100, 0), (6, 12), (99, 1), (98, 8), (6, 99), (101, 127), (100, 127)])
                == controls((101, 0), (100, 0), (6, 12), (101, 127), (100, 127)))
    }

    @Test func `after steps a value is not known`() {
        #expect(told([(101, 0), (100, 0), (6, 12), (96, 0), (101, 127), (100, 127)]).isEmpty)
    }

    @Test func `resetting all controllers ends a selection and keeps the range`() {
        #expect(
            told([(101, 0), (100, 0), (6, 12), (121, 0), (6, 3)])
                == controls((101, 0), (100, 0), (6, 12), (101, 127), (100, 127)))
    }

    @Test func `the pressure of single notes is no state`() {
        #expect(told([], then: .polyPressure(channel, note: 60, pressure: 90)).isEmpty)
    }
}
