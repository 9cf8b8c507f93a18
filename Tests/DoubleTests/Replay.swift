import Glibc
import Linux
import TestSupport
import Testing

/// A double that is taken through the story of a capture, with the same names, ids and round trips, without ALSA.
final class Replay {
    let capture: Capture
    let process: RtpmididProcess
    let drive: DoubleDrive
    private let replacements: [(String, String)]

    init(_ name: String, version: String = "26.01") throws {
        capture = try Capture(name)
        let path = try #require(capture.first("Control socket ready at ([^\u{1b}]+)")?[0])
        let listening = try #require(capture.first(":::(\\d+) / :::(\\d+), with name: '([^']*)'"))
        let port = freeUDPPortPair()
        process = try RtpmididProcess.listening(
            builtProduct("rtpmidid-double"), name: listening[2], port: port,
            environment: ["RTPMIDID_DOUBLE_NO_ALSA": "1", "RTPMIDID_DOUBLE_VERSION": version])
        drive = try DoubleDrive(controlPath: process.controlPath)
        replacements = [
            (process.controlPath, path), (":::\(port) / :::\(port + 1),", ":::\(listening[0]) / :::\(listening[1]),"),
        ]
    }

    /// As the capture has it: name, SSRC and initiator id of that participant's `visit`th invitation.
    func join(_ name: String, visit: Int = 0) throws -> Int {
        try drive.join(name, options: capture.identity(of: name, visit: visit))
    }

    /// What the double has logged so far, its own path and ports replaced by the captured ones.
    var lines: [String] {
        Capture.lines(process.logBytes).filter(Capture.isComparable).map { line in
            replacements.reduce(line) { $0.replacing($1.0, with: $1.1) }
        }
    }

    /// Waits until a line holds `text`: for what the double does by itself after a time.
    func waitFor(_ text: String) throws {
        try eventually("'\(text)' in the log", seen: self.lines.joined(separator: "\n")) {
            lines.contains { $0.contains(text) }
        }
    }

    /// SIGTERM, and the whole log is the captured one.
    func endAndCompare(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let finished = try process.terminate()
        #expect(finished.exit == .code(0), sourceLocation: sourceLocation)
        #expect(finished.error.isEmpty, sourceLocation: sourceLocation)
        expectSame(lines, capture.lines, sourceLocation: sourceLocation)
    }
}

/// Equal line by line; tells the first that is not.
func expectSame(_ seen: [String], _ expected: [String], sourceLocation: SourceLocation = #_sourceLocation) {
    for (index, pair) in zip(seen, expected).enumerated() where pair.0 != pair.1 {
        Issue.record(
            "line \(index + 1) is\n\(pair.0)\nand should be\n\(pair.1)", sourceLocation: sourceLocation)
        return
    }
    #expect(seen.count == expected.count, sourceLocation: sourceLocation)
}
