import Foundation
import Hub
import Linux
import Rtpmidid
import Supervisor
import TestSupport
import Testing

import class Hub.EngineProcess

/// Real processes with a daemon's command line, and its control socket played by the test.
@Suite struct EngineProcessTests {
    private let directory = TemporaryDirectory()
    private let loop = try! EventLoop()  // a test that cannot have a loop cannot run
    private let name = "rtpmidid-5004"
    private var state: StateDirectory { StateDirectory(directory.path) }

    /// Ended with the test.
    private final class Daemons {
        var pids: [Int32] = []
        deinit {
            for pid in pids {
                kill(pid, SIGKILL)
                waitpid(pid, nil, 0)
            }
        }
    }
    private let daemons = Daemons()

    init() throws {
        try state.create()
        try retrying("mkfifo") { mkfifo(directory.file("never"), 0o600) }
    }

    /// It waits for ever, and has no child that could outlive it.
    private func program(_ arguments: [String]) -> ChildProgram {
        ChildProgram(
            path: "/bin/sh", arguments: ["-c", "read x < '\(directory.file("never"))'", "rtpmidid"] + arguments,
            environment: [:], output: nil)
    }

    private func spawn(_ arguments: [String]? = nil) throws -> ProcessIdentity {
        let pid = try program(arguments ?? ["--ini", state.ini(name)]).spawn()
        daemons.pids.append(pid)
        return try #require(ProcessIdentity(of: pid))
    }

    private func process() -> (process: EngineProcess, heard: Heard) {
        let process = EngineProcess.rtpmidid(name, state: state, loop: loop)
        let heard = Heard()
        process.report = {
            if case .adopted(_, let how) = $0 { heard.text.append(how) }
            if case .exited(let exit, _) = $0 { heard.text.append("\(exit)") }
        }
        return (process, heard)
    }

    private final class Heard { var text: [String] = [] }

    private func record(_ identity: ProcessIdentity) throws -> [UInt8] {
        let record = try JSONEncoder().encode(identity)
        return Array(
            "{\"identity\":\(String(decoding: record, as: UTF8.self)),\"version\":\"26.01\",\"port\":5004,\"logStart\":77}"
                .utf8)
    }

    @Test func `a daemon on record is adopted with what the record knows of it`() throws {
        let identity = try spawn(["--ini", "/elsewhere"])
        try File.replace(state.record(name), with: try record(identity))
        let (process, heard) = process()
        #expect(process.adopt())
        #expect(process.service.pid == identity.pid)
        #expect(heard.text == ["its record"])
        #expect(process.record?.version == "26.01")
        #expect(process.record?.logStart == 77)
    }

    @Test(arguments: ["", "{\"identity\":{\"bootID\":\"", "[]", "null", "\0\0\0\0", "{\"identity\":{},\"port\":70000}"])
    func `a half-written or foreign record is none: the daemon is found by its command line`(text: String) throws {
        let identity = try spawn()
        try File.replace(state.record(name), with: Array(text.utf8))
        let (process, heard) = process()
        #expect(process.adopt())
        #expect(process.service.pid == identity.pid)
        #expect(heard.text == ["its command line"])
        #expect(process.record?.identity == identity)
        let kept = try JSONDecoder().decode(
            EngineProcess.Record.self, from: Data(try #require(File.bytes(state.record(name)))))
        #expect(kept.identity == identity, "the next hub finds it on record")
    }

    @Test func `one without any record is found, also a version that knows no ini file`() throws {
        for option in ["--ini", "--control"] {
            let value = option == "--ini" ? state.ini(name) : state.control(name)
            let identity = try spawn([option, value])
            let (process, _) = process()
            #expect(process.adopt(), "\(option)")
            kill(identity.pid, SIGKILL)
            try loop.run(until: "its end") { process.service.pid == nil }
            process.stop()
        }
    }

    @Test func `a record whose process is another by now adopts nobody and is taken away`() throws {
        let other = try spawn(["--ini", "/elsewhere"])
        let stale = String(decoding: try record(other), as: UTF8.self)
            .replacing("\"startTime\":\(other.startTime)", with: "\"startTime\":1")
        try File.replace(state.record(name), with: Array(stale.utf8))
        let (process, heard) = process()
        #expect(!process.adopt())
        #expect(heard.text.isEmpty)
        #expect(!File.exists(state.record(name)))
        #expect(other.isRunning)
    }

    @Test func `goodbye is said by removing the listener, and only then is it terminated`() throws {
        let daemon = try PlayedDaemon(loop, at: state.control(name))
        // The answer of a real daemon; its listener has number 1.
        let fixture = try #require(
            Bundle.module.url(forResource: "26.01-basic-status-1", withExtension: "json", subdirectory: "Fixtures"))
        let status = [UInt8](try Data(contentsOf: fixture))
        let listener = 1
        let identity = try spawn()
        var wasRunning = false
        daemon.answer = { connection, request in
            if request.contains("router.remove") {
                wasRunning = identity.isRunning
                connection.send("{\"id\":1,\"result\":\"ok\"}\n")
            } else {
                connection.send(String(decoding: status.filter { $0 != 0x0a }, as: UTF8.self) + "\n")
            }
        }
        let (process, heard) = process()
        #expect(process.adopt())
        var isDown = false
        process.whenDown = { isDown = true }
        process.stop()
        try loop.run(until: "its end") { isDown }
        #expect(
            daemon.requests.map { Array($0.utf8) } == [
                ControlRequest.status.bytes, ControlRequest.remove(listener).bytes,
            ])
        #expect(wasRunning)
        #expect(heard.text.last == "killed by signal 15 (Terminated)")
        #expect(!File.exists(state.record(name)))
    }

    @Test func `one that gives no sign of life at three looks is ill, and well again with its next word`() throws {
        let daemon = try PlayedDaemon(loop, at: state.control(name))
        _ = try spawn()
        let (process, _) = process()
        #expect(process.adopt())
        var recoveries = 0
        process.recovered = { recoveries += 1 }
        for _ in 0..<3 {
            #expect(!process.isIll)
            process.look()
        }
        #expect(process.isIll)
        try loop.run(until: "the question") { !daemon.requests.isEmpty }
        #expect(daemon.requests.map { Array($0.utf8) } == [ControlRequest.help.bytes], "one at a time")
        daemon.connections[0].send("{}\n")
        try loop.run(until: "its answer") { !process.isIll }
        #expect(recoveries == 1)
        process.look()
        process.showLife()
        #expect(process.looksInVain == 0 && recoveries == 1)
    }

    @Test func `the question whether it lives waits behind no other`() throws {
        let daemon = try PlayedDaemon(loop, at: state.control(name))
        daemon.answer = { connection, request in
            if request.contains("help") { connection.send("{}\n") }
        }
        _ = try spawn()
        let (process, _) = process()
        #expect(process.adopt())
        process.control.ask(ControlRequest.status.bytes, timeout: .seconds(60)) { _ in }
        for _ in 0..<3 { process.look() }
        try loop.run(until: "an answer") { !process.isIll }
    }

    @Test func `an rtpmidid whose control socket is gone cannot be asked and is not ill`() throws {
        _ = try spawn()
        let (process, _) = process()
        #expect(process.adopt())
        for _ in 0..<3 { process.look() }
        try loop.run(until: "the failure") { process.looksInVain == 0 }
    }

    @Test func `a daemon that answers nothing is asked to dismiss its first node, and ended all the same`() throws {
        let daemon = try PlayedDaemon(loop, at: state.control(name))
        _ = try spawn()
        let (process, _) = process()
        #expect(process.adopt())
        var isDown = false
        process.whenDown = { isDown = true }
        process.stop()
        try loop.run(until: "its end") { isDown }
        #expect(daemon.requests.last.map { Array($0.utf8) } == ControlRequest.remove(1).bytes)
    }
}
