import MIDI
import Testing

@testable import Rooms

@Suite struct HeldChannelTests {
    private let channel = Channel(truncating: 5)

    @Test func `it follows what is played as the state of all channels does`() {
        var one = HeldChannel(channel)
        var all = HeldState()
        for step in 0..<20_000 {
            // Every seventh of a row that visits all values.
            let (first, second) = (UInt8(step * 7 % 128), UInt8(step / 128 * 37 % 128))
            let (a, b) = (DataByte(truncating: first), DataByte(truncating: second))
            let message: Message =
                switch step % 5 {
                case 0, 1: .noteOn(channel, note: a, velocity: b)
                case 2: .noteOff(channel, note: a, velocity: b)
                case 3: .controlChange(channel, controller: a, value: b)
                default: .pitchBend(channel, Bend(truncating: step % 3 == 0 ? 8192 : UInt16(step % 16384)))
                }
            one.follow(message)
            all.apply(message)
            var told = HeldState()
            told.merge(one)
            #expect(told.releases(whileHeldBy: []) == all.releases(whileHeldBy: []))
            #expect(one.isEmpty == all.isEmpty)
        }
    }

    @Test func `it is silenced as the state of all channels is, and told from it`() {
        var all = HeldState()
        for note in [UInt8(0), 63, 64, 127] {
            all.apply(.noteOn(channel, note: DataByte(truncating: note), velocity: 1))
        }
        for pedal in UInt8(64)...69 {
            all.apply(.controlChange(channel, controller: DataByte(truncating: pedal), value: 1))
        }
        var one = all.onChannel(channel)
        for release in all.releases(whileHeldBy: []) { #expect(one.holds(release)) }
        #expect(all.onChannel(Channel(truncating: 6)).isEmpty)
        one.silence()
        all.silence()
        var told = HeldState()
        told.merge(one)
        #expect(told.releases(whileHeldBy: []) == all.releases(whileHeldBy: []))
    }
}
