import Linux

/// The test's hand on one running double: its side entrance, `<control path>.drive`. Each call returns when its effects
/// are done. Commands without a method of their own go through `ask` (see `DriveCommands` in the double).
package final class DoubleDrive {
    package struct Refused: Error, CustomStringConvertible { package let description: String }

    package let controlPath: String
    private let socket: Descriptor

    package init(controlPath: String) throws {
        self.controlPath = controlPath
        socket = try Sockets.connect(unix: controlPath + ".drive", nonBlocking: false)
    }

    /// The drive of the double that listens on UDP `port`, somewhere below `directory`.
    package static func find(port: UInt16, below directory: String) throws -> DoubleDrive {
        try awaited("a double that listens on \(port) below \(directory)") {
            for path in drives(below: directory) {
                guard let drive = try? DoubleDrive(controlPath: String(path.dropLast(".drive".count))) else { continue }
                if (try? drive.ask("about"))?.contains("port=\(port)") == true { return drive }
            }
            return nil
        }
    }

    private static func drives(below directory: String, depth: Int = 3) -> [String] {
        names(in: directory).flatMap { name -> [String] in
            let path = "\(directory)/\(name)"
            if name.hasSuffix(".drive") { return [path] }
            return depth > 0 ? drives(below: path, depth: depth - 1) : []
        }
    }

    /// The words of the answer behind `ok`.
    @discardableResult
    package func ask(_ command: String) throws -> [String] {
        try socket.writeAll(Array((command + "\n").utf8), socket: true)
        guard let answer = try readLine(socket, within: .seconds(60)) else {
            throw Refused(description: "\(command): no answer")
        }
        let text = answer.split(separator: " ").map(String.init)
        guard text.first == "ok" else { throw Refused(description: "\(command): \(answer)") }
        return Array(text.dropFirst())
    }

    /// A participant comes: the number by which the double knows it. `options` such as `ssrc=A0B1`, `address=10.0.0.1`.
    package func join(_ name: [UInt8], options: String = "") throws -> Int {
        try number(ask("join \(word(name)) \(options)"))
    }
    package func join(_ name: String, options: String = "") throws -> Int {
        try join(Array(name.utf8), options: options)
    }

    /// `count` participants at once, named `name` and a number.
    package func join(many count: Int, _ name: String) throws -> ClosedRange<Int> {
        let answer = try ask("joinmany \(count) \(word(Array(name.utf8)))")
        guard answer.count == 2, let first = Int(answer[0]), let last = Int(answer[1]) else {
            throw Refused(description: "joinmany: \(answer)")
        }
        return first...last
    }

    package func inviteAgain(_ id: Int) throws { try ask("invite \(id)") }
    package func leave(_ id: Int) throws { try ask("leave \(id)") }
    package func vanish(_ id: Int, asGhost: Bool = false) throws { try ask("vanish \(id)\(asGhost ? " ghost" : "")") }
    package func latency(_ id: Int, milliseconds: Double) throws { try ask("latency \(id) \(milliseconds)") }
    package func send(_ id: Int, _ message: [UInt8]) throws { try ask("send \(id) \(hex(message))") }
    package func received(_ id: Int) throws -> [[UInt8]] { try ask("received \(id)").compactMap { bytes(hex: $0) } }
    /// BYE packets that the daemon has sent to it.
    package func byes(_ id: Int) throws -> Int { try number(ask("byes \(id)")) }
    /// How long a silent participant is kept, from now on.
    package func silenceLimit(seconds: Double) throws { try ask("patience \(seconds)") }
    /// In sessions that go out the daemon is so many times faster than it should be, from now on.
    package func haste(_ times: Int) throws { try ask("haste \(times)") }
    /// Bytes of control answers that no client has read yet.
    package func unread() throws -> Int { try number(ask("unread")) }
    package func log(_ bytes: [UInt8]) throws { try ask("log \(word(bytes))") }
    package func hang() throws { try ask("hang") }
    package func resume() throws { try ask("resume") }

    /// The double ends at once; there is no answer. `how`: abort, segv or an exit code.
    package func crash(_ how: String) throws {
        try socket.writeAll(Array("crash \(how)\n".utf8), socket: true)
        if let answer = try readLine(socket, within: .seconds(60)) { throw Refused(description: answer) }
    }

    /// `participants`, `sessions`, `nodes`, `connections`, `requests`, `abandoned`.
    package func counts() throws -> [String: Int] {
        try ask("counts").reduce(into: [:]) { counts, word in
            let parts = word.split(separator: "=")
            if parts.count == 2 { counts[String(parts[0])] = Int(parts[1]) }
        }
    }

    private func number(_ text: [String]) throws -> Int {
        guard let number = text.first.flatMap({ Int($0) }) else { throw Refused(description: "\(text)") }
        return number
    }

    private func word(_ bytes: [UInt8]) -> String { bytes.isEmpty ? "-" : hex(bytes) }
}
