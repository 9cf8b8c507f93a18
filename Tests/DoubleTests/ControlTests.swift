import Foundation
import Glibc
import Linux
import TestSupport
import Testing

/// The control socket: answers against those of the real daemon, and its bad habits.
@Suite struct ControlTests {
    private func double(name: String = "midihub-5004", version: String = "26.01") throws -> (
        RtpmididProcess, DoubleDrive
    ) {
        let process = try RtpmididProcess.listening(
            builtProduct("rtpmidid-double"), name: name, port: freeUDPPortPair(),
            environment: ["RTPMIDID_DOUBLE_NO_ALSA": "1", "RTPMIDID_DOUBLE_VERSION": version])
        return (process, try DoubleDrive(controlPath: process.controlPath))
    }

    /// Without what differs from run to run.
    private func normalised(_ answer: String, _ process: RtpmididProcess) -> String {
        answer.replacing(process.controlPath, with: "/run/midihub/hub.sock")
            .replacing(/"(sequence_number|sequence_number_ack|ssrc|port|control_port|midi_port)":\d+/) {
                "\"\($0.output.1)\":0"
            }
    }

    @Test func `a whole session is answered as captured`() throws {
        let (process, drive) = try double()
        let alice = try drive.join("Alice iPad")
        try drive.latency(alice, milliseconds: 3.9)
        let bob = try drive.join("Bob Mac")
        try drive.latency(bob, milliseconds: 4.3)
        try drive.latency(alice, milliseconds: 4.1)
        try drive.latency(bob, milliseconds: 4.2)
        let captured = String(decoding: try Capture.bytes("26.01-control-session.txt"), as: UTF8.self)
        var request = ""
        var compared = 0
        for line in captured.split(separator: "\n") {
            if line.hasPrefix(">> ") { request = String(line.dropFirst(3)) }
            guard line.hasPrefix("<< ") else { continue }
            let expected = String(line.dropFirst(3))
            let silent = expected.hasPrefix("(no reply")
            let answer = try process.request(request, within: silent ? .milliseconds(200) : .seconds(30))
            #expect(
                answer.map { normalised($0, process) } == (silent ? nil : normalised(expected, process)),
                "the answer to \(request)")
            compared += 1
        }
        #expect(compared == 25)

        // And it has logged what the real one did, but for the round trips, whose time is chance.
        let seen = Capture.lines(process.logBytes).filter(Capture.isComparable)
        let expected = try Capture("26.01-control-session.log").lines
        func comparable(_ lines: [String]) -> [String] {
            lines.filter { line in
                ["ERROR", "Added peer", "Connect ", "Disconnect ", "unknown peer"].contains { line.contains($0) }
                    && !line.contains("poller.cpp:255")
            }
        }
        expectSame(comparable(seen), comparable(expected))
    }

    @Test func `status has the captured shape`() throws {
        let (process, drive) = try double()
        #expect(shape(try process.result("status")) == shape(try Capture.json("26.01-two-status-0.json")))
        let alice = try drive.join("Alice-keys")
        try drive.latency(alice, milliseconds: 5.7)
        #expect(shape(try process.result("status")) == shape(try Capture.json("26.01-two-status-1.json")))
        _ = try drive.join("Bob-keys")
        #expect(shape(try process.result("status")) == shape(try Capture.json("26.01-two-status-2.json")))
    }

    /// Keys and the types of their values, in the order of the array's elements.
    private func shape(_ value: Any) -> String {
        if let object = value as? [String: Any] {
            return "{" + object.keys.sorted().map { "\($0):\(shape(object[$0] as Any))" }.joined(separator: ",") + "}"
        }
        if let array = value as? [Any] { return "[" + array.map(shape).joined(separator: ",") + "]" }
        if value is String { return "string" }
        return value is NSNull ? "null" : "number"
    }

    @Test func `the router's nodes come in the real one's order`() throws {
        let (process, drive) = try double()
        _ = try drive.join(many: 60, "P")
        func order(_ status: Any) -> [Int] {
            let router = (status as? [String: Any])?["router"] as? [[String: Any]] ?? []
            return router.compactMap { $0["id"] as? Int }
        }
        let expected = order(try Capture.json("26.01-sixty-participants-status.json"))
        #expect(expected.count == 121)
        #expect(order(try process.result("status")) == expected)
    }

    @Test(arguments: [
        (
            #"{"method":"nosuch","id":1}{"a":1}"#,
            "line 1, column 27: syntax error while parsing value - unexpected '{'; expected end of input"
        ),
        (
            "{\"method\":\"nosuch\",\"id\":1}\n{\"a\":1}",
            "line 2, column 1: syntax error while parsing value - unexpected '{'; expected end of input"
        ),
        (
            #"{"method":"#,
            "line 1, column 11: syntax error while parsing value - unexpected end of input; expected '[', '{', or a literal"
        ),
        (
            "{\"a\":\"b",
            "line 1, column 8: syntax error while parsing value - invalid string: missing closing quote; last read: '\"b'"
        ),
        ("[1 2]", "line 1, column 4: syntax error while parsing array - unexpected number literal; expected ']'"),
    ])
    func `what is not one JSON value is answered with the parser's words`(request: String, text: String) throws {
        let (process, _) = try double()
        let answer = try #require(try process.request(request))
        let decoded = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: String]
        #expect(decoded?["error"] == "[json.exception.parse_error.101] parse error at \(text)")
    }

    @Test func `24 12 does not answer what is not JSON`() throws {
        let (process, _) = try double(version: "24.12")
        #expect(try process.request("hello", within: .milliseconds(300)) == nil)
        #expect(try process.request(#"{"method":"nosuch"}"#) == #"{"error":"Unknown method 'nosuch'","id":null}"#)
    }

    @Test func `1023 bytes are too long`() throws {
        let (process, _) = try double()
        let close = #"{"event": "close", "detail": "Message too long", "code": 1}"#
        #expect(try process.request(String(repeating: "x", count: 1023)) == close)
        #expect(try process.request(String(repeating: "x", count: 1022))?.contains("parse error") == true)
    }

    @Test func `status goes unanswered while a name is not UTF-8`() throws {
        let replay = try Replay("26.01-invalid-utf8-name.log")
        let captured = replay.capture.lines.filter { $0.contains("type_error.316") }
        #expect(captured.count == 2)
        let participant = try replay.drive.join([0x63, 0x61, 0x66, 0xE9])
        #expect(try replay.process.request(#"{"method":"status"}"#, within: .milliseconds(300)) == nil)
        expectSame(replay.lines.filter { $0.contains("type_error.316") }, captured)
        try replay.drive.leave(participant)
        #expect(try replay.process.request(#"{"method":"status"}"#) != nil)
    }

    @Test func `the socket is everybody's`() throws {
        let (process, _) = try double()
        var status = stat()
        #expect(stat(process.controlPath, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o777)
    }

    @Test func `removing the listener says BYE to all and closes both ports`() throws {
        let (process, drive) = try double()
        let one = try drive.join("One")
        let two = try drive.join("Two")
        let port = try #require(
            try drive.ask("about").compactMap { $0.hasPrefix("port=") ? UInt16($0.dropFirst(5)) : nil }.first)
        #expect(try process.request(#"{"method":"router.remove","params":[1],"id":1}"#) == #"{"id":1,"result":"ok"}"#)
        #expect(try drive.byes(one) == 2)
        #expect(try drive.byes(two) == 2)
        #expect(try drive.counts()["nodes"] == 0)
        for port in [port, port + 1] {
            _ = try Sockets.datagram(Sockets.Address(host: "::", port: port)).number
        }
        #expect(text(of: process.controlPath + ".said").contains("BY MIDI_PORT \(hex("Two".utf8))\n"))
    }

    @Test func `answers left unread are noticed, and a client that never reads stops the daemon`() throws {
        let (process, drive) = try double()
        #expect(try drive.unread() == 0)
        do {
            let socket = try Sockets.connect(unix: process.controlPath, nonBlocking: true)
            try socket.writeAll(Array(#"{"method":"help","id":1}"#.utf8), socket: true)
            try eventually("an unread answer") { try drive.unread() > 0 }
        }
        try eventually("the abandoned answer") { try drive.counts()["abandoned"] == 1 }
        do {
            let socket = try Sockets.connect(unix: process.controlPath, nonBlocking: true)
            try eventually("the daemon to be blocked") {
                _ = try? socket.writeAll(Array(#"{"method":"help","id":1}"#.utf8), socket: true)
                return try process.request(#"{"method":"nosuch"}"#, within: .milliseconds(100)) == nil
            }
        }
        // Closed: it goes on, as SIGPIPE is ignored in it.
        #expect(try process.request(#"{"method":"nosuch"}"#) != nil)
    }
}
