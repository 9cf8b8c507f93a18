import Glibc
import Hub
import Linux
import Rtpmidid
import TestSupport
import Testing

@Suite struct ControlSocketTests {
    private typealias Answer = Result<[UInt8], ControlSocket.Failure>
    private let loop = try! EventLoop()  // a test that cannot have a loop cannot run

    private func text(_ answer: Answer) -> String {
        switch answer {
        case .success(let bytes): String(decoding: bytes, as: UTF8.self)
        case .failure(.silent): "silent"
        case .failure(.unreachable(let text)): "unreachable: \(text)"
        }
    }

    @Test func `a request is one write on a connection of its own, the reply is read to its newline`() throws {
        let daemon = try PlayedDaemon(loop)
        daemon.answer = { [loop] connection, _ in
            connection.send("{\"a\":")
            loop.after(.milliseconds(10)) { connection.send("1}\nand more") }
        }
        let control = ControlSocket(daemon.path, loop: loop)
        var answers: [String] = []
        control.ask(ControlRequest.help.bytes, timeout: .seconds(20)) { answers.append(text($0)) }
        control.ask(ControlRequest.remove(7).bytes, timeout: .seconds(20)) { answers.append(text($0)) }
        try loop.run(until: "two answers", seen: "\(answers)") { answers.count == 2 }
        #expect(answers == ["{\"a\":1}", "{\"a\":1}"])
        #expect(
            daemon.requests.map { Array($0.utf8) } == [ControlRequest.help.bytes, ControlRequest.remove(7).bytes])
        #expect(daemon.connections.count == 2)
        try loop.run(until: "both are closed") { daemon.connections.allSatisfy(\.isOver) }
    }

    @Test func `one is asked at a time`() throws {
        let daemon = try PlayedDaemon(loop)
        let control = ControlSocket(daemon.path, loop: loop)
        var answers: [String] = []
        for _ in 0..<3 { control.ask(ControlRequest.status.bytes, timeout: .seconds(20)) { answers.append(text($0)) } }
        try loop.run(until: "a request") { daemon.requests.count == 1 }
        loop.run(for: .milliseconds(50))
        #expect(daemon.connections.count == 1, "the others wait")
        daemon.answer = { connection, _ in connection.send("ok\n") }
        daemon.connections[0].send("ok\n")
        try loop.run(until: "all answers") { answers == ["ok", "ok", "ok"] }
        #expect(daemon.connections.count == 3)
    }

    @Test func `a daemon that does not answer is not waited for, and the next request goes on`() throws {
        let daemon = try PlayedDaemon(loop)
        let control = ControlSocket(daemon.path, loop: loop)
        var answers: [String] = []
        control.ask(ControlRequest.status.bytes, timeout: .milliseconds(50)) { answers.append(text($0)) }
        control.ask(ControlRequest.help.bytes, timeout: .seconds(20)) { answers.append(text($0)) }
        try loop.run(until: "the second request") { daemon.requests.count == 2 }
        daemon.connections[0].send("too late\n")
        daemon.connections[1].send("ok\n")
        try loop.run(until: "both answers") { answers.count == 2 }
        #expect(answers == ["silent", "ok"])
    }

    @Test func `one that accepts nobody any more does not answer, which is not the same as not being there`() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("control")
        let listener = try Sockets.listen(unix: path, mode: 0o600, backlog: 0)
        let first = try Sockets.connect(unix: path, nonBlocking: true)
        let control = ControlSocket(path, loop: loop)
        var answers: [String] = []
        control.ask(ControlRequest.help.bytes, timeout: .seconds(60)) { answers.append(text($0)) }
        try loop.run(until: "an answer") { answers.count == 1 }
        #expect(answers == ["silent"])
        _ = consume listener
        _ = consume first
    }

    @Test func `where nobody listens, that is the answer, but not within the call`() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("control")
        // Of a daemon that was killed.
        do { _ = try Sockets.listen(unix: path, mode: 0o600) }
        for target in [path, directory.file("none")] {
            let control = ControlSocket(target, loop: loop)
            var answers: [String] = []
            control.ask(ControlRequest.help.bytes, timeout: .seconds(20)) { answers.append(text($0)) }
            #expect(answers.isEmpty)
            try loop.run(until: "an answer") { answers.count == 1 }
            #expect(answers[0].hasPrefix("unreachable: connect \(target): "))
        }
    }

    @Test func `a connection that is closed before its reply is no answer`() throws {
        let daemon = try PlayedDaemon(loop)
        daemon.answer = { connection, _ in
            connection.send("{\"half\":")
            shutdown(connection.socket.number, 2)
        }
        let control = ControlSocket(daemon.path, loop: loop)
        var answers: [String] = []
        control.ask(ControlRequest.help.bytes, timeout: .seconds(20)) { answers.append(text($0)) }
        try loop.run(until: "an answer") { answers.count == 1 }
        #expect(answers == ["unreachable: \(daemon.path): closed before its reply"])
    }

    @Test func `a reply without an end is not read for ever`() throws {
        let directory = TemporaryDirectory()
        let path = directory.file("control")
        let listener = try Sockets.listen(unix: path, mode: 0o600)
        let control = ControlSocket(path, loop: loop)
        var answers: [String] = []
        control.ask(ControlRequest.status.bytes, timeout: .seconds(60)) { answers.append(text($0)) }
        guard let socket = try Sockets.accept(listener)?.intoSocket() else {
            Issue.record("the request's connection waits")
            return
        }
        // Pours until the hub closes.
        let thread = try WorkerThread("pour") {
            let block = [UInt8](repeating: 0x20, count: 65536)
            let flags = fcntl(socket.number, F_GETFL)
            _ = fcntl(socket.number, F_SETFL, flags & ~O_NONBLOCK)
            while (try? socket.writeAll(block, socket: true)) != nil {}
        }
        try loop.run(until: "an answer") { answers.count == 1 }
        thread.join()
        #expect(answers == ["unreachable: \(path): a reply of more than \(ControlSocket.longest) bytes"])
    }

    @Test func `one that is let go in the middle leaves nothing on the loop that could call it`() throws {
        let daemon = try PlayedDaemon(loop)
        var control: ControlSocket? = ControlSocket(daemon.path, loop: loop)
        var answers: [String] = []
        control?.ask(ControlRequest.help.bytes, timeout: .milliseconds(100)) { answers.append(text($0)) }
        try loop.run(until: "a request") { daemon.requests.count == 1 }
        control = nil
        daemon.connections[0].send("ok\n")
        loop.run(for: .milliseconds(200))
        #expect(answers.isEmpty)
        #expect(daemon.connections[0].isOver)

        control = ControlSocket(daemon.directory.file("none"), loop: loop)
        control?.ask(ControlRequest.help.bytes, timeout: .milliseconds(100)) { answers.append(text($0)) }
        control = nil
        loop.run(for: .milliseconds(50))
        #expect(answers.isEmpty)
    }
}
