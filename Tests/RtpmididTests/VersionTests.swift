import Rtpmidid
import Testing

@Suite struct RtpmididVersionTests {
    @Test(arguments: [
        ("26.01", RtpmididVersion.v26_01), ("26.01/2", .v26_01), ("v24.12", .v24_12), ("21.07.1", .v21_07),
        ("31.06", RtpmididVersion(year: 31, month: 6)),
    ])
    func `a version number is read`(text: String, version: RtpmididVersion) {
        #expect(RtpmididVersion(text) == version)
    }

    @Test(arguments: ["", "26", "26.", ".01", "26.1", "26.13", "26.00", "2026.01", "x26.01", "26.0x", "-6.01", "２６.０１"])
    func `what is no version number is refused`(text: String) {
        #expect(RtpmididVersion(text) == nil)
    }

    @Test func `the program's own words are understood`() throws {
        #expect(RtpmididVersion(output: "rtpmidid version 26.01/2\n") == .v26_01)
        #expect(RtpmididVersion(output: "rtpmidid version 23.12/2\n") == .v23_12)
        for name in ["21.07-basic.log", "23.10-basic.log"] {
            let output = String(decoding: try RtpmididFixture.bytes(name), as: UTF8.self)
            #expect(RtpmididVersion(output: output)?.description == String(name.prefix(5)))
        }
        for name in ["21.07-basic-status-0.json", "24.12-basic-status-0.json", "26.01-basic-status-0.json"] {
            let reply = String(decoding: try RtpmididFixture.bytes(name), as: UTF8.self)
            #expect(RtpmididVersion(output: reply)?.description == String(name.prefix(5)))
        }
        #expect(RtpmididVersion(output: "usage: rtpmidid version unknown") == nil)
        #expect(RtpmididVersion(output: "") == nil)
    }

    @Test func `a newer version is treated like the newest known one, and said to be unknown`() {
        let newer = RtpmididVersion(year: 27, month: 3)
        #expect(newer.isUnknown && newer > .v26_01)
        #expect(newer.logFormat == .levelled && newer.configuration == .ini && newer.hasLevelFilter)
        #expect(!newer.confirmFirst && newer.servicePorts == [0])
        #expect(newer.limits.count == 1 && newer.limits[0].contains("27.03"))
        #expect(RtpmididVersion.known.allSatisfy { !$0.isUnknown })
    }

    @Test func `each version has the traits that were observed`() {
        let known = RtpmididVersion.known
        #expect(known.map(\.configuration) == [.commandLine, .commandLine, .commandLine, .ini, .ini, .ini])
        #expect(known.map(\.logFormat) == [.timed, .plain, .plain, .blank, .levelled, .levelled])
        #expect(known.map(\.servicePorts) == [[0], [0], [0], [], [0], [0]])
        #expect(known.map(\.needsLineBuffering) == [true, true, true, false, false, false])
        #expect(known.map(\.confirmFirst) == [true, true, true, true, false, false])
        #expect(known.map(\.hasLevelFilter) == [false, false, false, false, false, true])
        #expect(known.map(\.statusListsParticipants) == [false, false, false, true, true, true])
        #expect(known.map(\.saysBye) == [false, false, false, false, true, true])
        #expect(RtpmididVersion.v24_12.limits.isEmpty && RtpmididVersion.v26_01.limits.isEmpty)
        #expect(known.prefix(4).allSatisfy { !$0.limits.isEmpty })
    }
}
