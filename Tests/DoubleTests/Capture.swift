import Foundation

/// A log of the real daemon, as lines of bytes. A byte is one character here, so that comparing text compares bytes.
struct Capture {
    let lines: [String]

    /// Without what the double does not imitate: mDNS, and what the sequencer and other hubs of that machine did.
    init(_ name: String) throws {
        let timed = name.hasSuffix(".timed.log")
        lines = Self.lines(try Self.bytes(name))
            .map { timed ? String($0.dropFirst(9)) : $0 }
            .filter { $0 != "<EOF>" && Self.isComparable($0) }
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        guard let folder = Bundle.module.resourceURL else { throw CocoaError(.fileNoSuchFile) }
        return Array(try Data(contentsOf: folder.appendingPathComponent("Fixtures/rtpmidid-\(name)")))
    }

    static func json(_ name: String) throws -> Any {
        let answer = try JSONSerialization.jsonObject(with: Data(try bytes(name))) as? [String: Any]
        return answer?["result"] ?? NSNull()
    }

    static func lines(_ bytes: [UInt8]) -> [String] {
        let text = String(String.UnicodeScalarView(bytes.map { UnicodeScalar($0) }))
        return text.components(separatedBy: "\n").filter { !$0.isEmpty }
    }

    static func isComparable(_ line: String) -> Bool {
        !["mdns_rtpmidi.cpp", "rtpmidiremotehandler.cpp", "aseq.cpp"].contains { line.contains($0) }
    }

    /// The first line that matches, within its parentheses.
    func first(_ pattern: String) -> [String]? {
        guard let expression = try? Regex(pattern) else { return nil }
        for line in lines {
            if let match = line.firstMatch(of: expression) {
                return (1..<match.output.count).map { String(match.output[$0].substring ?? "") }
            }
        }
        return nil
    }

    /// SSRC and initiator id of the `visit`th invitation by that name, as options of the drive's `join`.
    func identity(of name: String, visit: Int = 0) -> String {
        let marks = lines.filter { $0.contains("remote_name=\"\(name)\"") && $0.hasSuffix("CONTROL_PORT\u{1b}[0m") }
        var seen: [String] = []
        for line in marks {
            guard let match = line.firstMatch(of: /initiator_id=([0-9A-F]+)  ssrc=([0-9A-F]+)/) else { continue }
            let identity = "initiator=\(match.output.1) ssrc=\(match.output.2)"
            if !seen.contains(identity) { seen.append(identity) }
        }
        return visit < seen.count ? seen[visit] : "not captured"
    }
}
