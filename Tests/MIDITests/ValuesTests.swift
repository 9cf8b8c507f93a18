import MIDI
import Testing

@Test func `values out of range do not exist`() {
    #expect(Channel(15)?.rawValue == 15)
    #expect(Channel(16) == nil)
    // Not literals, which are checked in another way.
    #expect(([127, 128] as [UInt8]).map { DataByte($0)?.rawValue } == [127, nil])
    #expect(Bend(16383)?.rawValue == 16383)
    #expect(Bend(16384) == nil)
}

@Test(arguments: [0, 1, 127, 128, 8191, 8192, 16383] as [UInt16])
func `a bend is put together from its two data bytes`(value: UInt16) throws {
    let bend = try #require(Bend(value))
    #expect(Bend(low: bend.low, high: bend.high) == bend)
    #expect(UInt16(bend.high.rawValue) * 128 + UInt16(bend.low.rawValue) == value)
}

@Test func `there are 16 channels, 128 data bytes and 6 pedals`() {
    #expect(Set(Channel.all).count == 16)
    #expect(Set(DataByte.all).count == 128)
    #expect(Controller.pedals.map(\.rawValue) == [64, 65, 66, 67, 68, 69])
}
