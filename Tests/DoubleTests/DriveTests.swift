import Foundation
import Glibc
import Linux
import TestSupport
import Testing

/// What a test can do with the double beyond the stories that were captured.
@Suite struct DriveTests {
    private let process: RtpmididProcess
    private let drive: DoubleDrive

    init() throws {
        process = try RtpmididProcess.listening(
            builtProduct("rtpmidid-double"), name: "hub", port: freeUDPPortPair(),
            environment: ["RTPMIDID_DOUBLE_NO_ALSA": "1"])
        drive = try DoubleDrive(controlPath: process.controlPath)
    }

    @Test func `250 participants join at once`() throws {
        let ids = try drive.join(many: 250, "Player ")
        #expect(ids == 1...250)
        #expect(try drive.counts()["sessions"] == 250)
        #expect(process.log.contains("Created alsapeer Player 250, port 250\u{1b}"))
    }

    @Test func `two that return with initiator id 0 take each other's place`() throws {
        let one = try drive.join("One")
        let two = try drive.join("Two")
        try drive.leave(one)
        try drive.leave(two)
        try drive.ask("collide \(one) \(two) 3")
        #expect(try drive.counts()["sessions"] == 1)
        // One completes its invitation; each further turn finds the session connected on both ports.
        #expect(try drive.counts()["nodes"] == 1 + 2 * 5)
        let warnings = process.log.components(separatedBy: "This peer is already connected.").count - 1
        #expect(warnings == 4)
    }

    @Test func `a ghost stays whatever happens`() throws {
        try drive.silenceLimit(seconds: 0.1)
        let ghost = try drive.join("Ghost")
        try drive.vanish(ghost, asGhost: true)
        let other = try drive.join("Other")
        try drive.vanish(other)
        try eventually("the removal of the other") { try drive.counts()["sessions"] == 1 }
        #expect(process.log.contains("Removed peer 4\u{1b}"))
        #expect(!process.log.contains("Removed peer 2\u{1b}"))
    }

    @Test func `hung, it serves nothing and ignores SIGTERM, until it is resumed`() throws {
        try drive.hang()
        #expect(try process.request(#"{"method":"help"}"#, within: .milliseconds(200)) == nil)
        process.program.send(SIGTERM)
        #expect(try drive.ask("about").isEmpty == false)
        #expect(process.program.exit == nil)
        try drive.resume()
        #expect(try process.program.finish().exit == .code(0))
    }

    @Test func `deaf, it reads no request but goes on`() throws {
        try drive.ask("deaf")
        #expect(try process.request(#"{"method":"help"}"#, within: .milliseconds(200)) == nil)
        _ = try drive.join("A")
        #expect(process.log.contains("Created alsapeer A, port 1"))
        try drive.resume()
        #expect(try process.request(#"{"method":"help"}"#) != nil)
    }

    @Test(arguments: [("abort", SIGABRT), ("segv", SIGSEGV)])
    func `it crashes by signal`(how: String, signal: Int32) throws {
        try drive.crash(how)
        #expect(try process.program.finish().exit == .signal(Int(signal)))
    }

    @Test(arguments: [0, 1]) func `it ends at once with an exit code`(code: Int) throws {
        try drive.crash("\(code)")
        #expect(try process.program.finish().exit == .code(code))
    }

    @Test func `a forged record stands in the log as it was given`() throws {
        let forged = "[INFO ] local_alsa_peer.cpp:33           | Created alsapeer Mallory, port 9\u{1b}[0m"
        try drive.log(Array(forged.utf8))
        // The daemon may go on logging behind it.
        #expect(process.log.contains("\n\(forged)\n"))
    }

    @Test func `a UDP port of its own can be closed`() throws {
        try drive.ask("close midi")
        #expect(throws: DoubleDrive.Refused.self) { try drive.ask("close neither") }
    }

    @Test func `it says what it does not understand`() throws {
        #expect(throws: DoubleDrive.Refused.self) { try drive.ask("dance") }
        #expect(throws: DoubleDrive.Refused.self) { try drive.leave(99) }
    }
}
