import Foundation
import Store
import Testing

struct MomentTests {
    @Test func `a moment is the bare number in JSON`() throws {
        let when = TimeRange(earliest: moment(5), latest: moment(-7))
        let json = try JSONEncoder().encode([moment(1_700_000_000_123)])
        #expect(String(decoding: json, as: UTF8.self) == "[1700000000123]")
        #expect(try JSONDecoder().decode([Timestamp].self, from: json) == [moment(1_700_000_000_123)])
        #expect(try JSONDecoder().decode(TimeRange.self, from: JSONEncoder().encode(when)) == when)
    }

    @Test func `a range has its ends in order whichever way the clock went`() {
        let when = TimeRange(earliest: moment(9), latest: moment(3))
        #expect(when.earliest == moment(3) && when.latest == moment(9) && !when.isExact)
        #expect(exactly(3).isExact)
    }

    @Test func `now is the wall clock`() {
        let before = Int64(Date().timeIntervalSince1970 * 1000) - 1
        let now = Timestamp.now.milliseconds
        #expect(now >= before && now <= Int64(Date().timeIntervalSince1970 * 1000) + 1)
    }

    @Test func `shifting goes both ways and stops at the ends of time`() {
        #expect(moment(1000).advanced(by: .milliseconds(250)) == moment(1250))
        #expect(moment(1000).advanced(by: .seconds(-2)) == moment(-1000))
        #expect(moment(.max).advanced(by: .seconds(1)) == moment(.max))
        #expect(moment(.min).advanced(by: .seconds(-1)) == moment(.min))
        #expect(moment(0).advanced(by: .seconds(Int64.max)) == moment(.max))
    }
}
