import Foundation
import Glibc
import Linux

/// The rtpmidid that the tests run with: the real one where the environment says `RTPMIDID=/path`, else the double.
package enum Rtpmidid {
    package static var isReal: Bool { environment("RTPMIDID").map { !$0.isEmpty } ?? false }

    package static func path() throws -> String {
        if isReal, let path = environment("RTPMIDID") { return path }
        return try builtProduct("rtpmidid-double")
    }
}

/// One rtpmidid, real or double, that a test starts without a hub.
package final class RtpmididProcess {
    package let program: Program
    package let controlPath: String
    private let directory: TemporaryDirectory

    /// `sections` follow `[general]` (client name and control path) and `[rtpmidi_discover]` (off) in its ini file.
    package init(
        _ path: String, name: String, sections: String, environment: [String: String] = [:],
        in directory: TemporaryDirectory = TemporaryDirectory()
    ) throws {
        self.directory = directory
        controlPath = directory.file("\(name).sock")
        let ini = directory.write(
            "\(name).ini",
            "[general]\nalsa_name=\(name)\ncontrol=\(controlPath)\n[rtpmidi_discover]\nenabled=false\n\(sections)\n")
        program = try Program(path, ["--ini", ini], environment: environment, in: directory, name: name)
    }

    /// A listening one: a hub's engine, ready when this returns.
    package static func listening(
        _ path: String, name: String, port: UInt16, environment: [String: String] = [:]
    ) throws -> RtpmididProcess {
        let process = try RtpmididProcess(
            path, name: name, sections: "[rtpmidi_announce]\nname=\(name)\nport=\(port)", environment: environment)
        try process.waitUntilReady()
        return process
    }

    package func waitUntilReady() throws {
        try eventually("rtpmidid to be ready", seen: self.log + self.program.error) {
            guard program.exit == nil else { throw WaitedInVain(description: "rtpmidid ended: \(log)\(program.error)") }
            return log.contains("Waiting for connections.")
        }
    }

    /// A participant for this listening one, who has not joined yet.
    package func player(_ name: String, port: UInt16) throws -> any Player {
        Rtpmidid.isReal
            ? try RealPlayer(name, rtpmidid: Rtpmidid.path(), port: port)
            : DoublePlayer(name, port: port, below: directory.path)
    }

    /// All that it has logged, invalid UTF-8 replaced.
    package var log: String { program.output }
    package var logBytes: [UInt8] { contents(of: program.outputPath) }

    /// The answer to one control request, without its newline; nil where none comes within `limit`.
    package func request(_ request: String, within limit: Duration = .seconds(30)) throws -> String? {
        try controlRequest(controlPath, Array(request.utf8), within: limit)
    }

    /// The decoded `result` of a method.
    package func result(_ method: String) throws -> Any {
        guard let answer = try request(#"{"method":"\#(method)","params":[],"id":1}"#) else {
            throw WaitedInVain(description: "an answer to \(method)")
        }
        let decoded = try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any]
        guard let result = decoded?["result"] else { throw WaitedInVain(description: "a result in \(answer)") }
        return result
    }

    @discardableResult
    package func terminate() throws -> Program.Finished {
        program.send(SIGTERM)
        return try program.finish()
    }
}

/// One request to a unix socket that answers in a line; nil where no line comes within `limit`.
package func controlRequest(_ path: String, _ request: [UInt8], within limit: Duration) throws -> String? {
    let socket = try Sockets.connect(unix: path, nonBlocking: false)
    try socket.writeAll(request, socket: true)
    return try readLine(socket, within: limit)
}

/// Reads up to a newline; nil at the end of the stream or of the time.
func readLine(_ socket: borrowing Descriptor, within limit: Duration) throws -> String? {
    let end = ContinuousClock.now + limit
    var line: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while ContinuousClock.now < end {
        var entry = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, 20) > 0 else { continue }
        let count = read(socket.number, &buffer, buffer.count)
        guard count > 0 else { return nil }
        line += buffer[..<count]
        if line.last == 10 { return String(decoding: line.dropLast(), as: UTF8.self) }
    }
    return nil
}
