import Glibc
import Linux
import TestSupport
import Testing

/// What makes the end of an engine's process be seen at once.
struct SuddenEndTests {
    private let directory = TemporaryDirectory()
    private let port = freeUDPPortPair()

    private func engine() throws -> Program {
        let plan = """
            {"version": 1, "allow": [], "deny": [], "host": "127.0.0.1", "rooms": [{"name": "room", "displayName": "Hub",
            "policy": "all", "ports": [\(port)], "blocks": [], "maximum": 50}]}
            """
        let engine = try Program(
            builtProduct("midihub"),
            ["engine", "--plan", directory.write("plan.json", plan), "--control", directory.file("control")],
            in: directory)
        try eventually("its port", seen: engine.output + engine.error) { isOpen(udp: port) }
        return engine
    }

    /// Processes that a process has begun, by their numbers and names.
    private func children(of pid: Int32) -> [(pid: Int32, name: String)] {
        names(in: "/proc").compactMap { Int32($0) }.compactMap { child in
            let status = text(of: "/proc/\(child)/status")
            guard status.contains("\nPPid:\t\(pid)\n") else { return nil }
            return (child, String(text(of: "/proc/\(child)/comm").dropLast()))
        }
    }

    @Test(arguments: [SIGKILL, SIGTERM])
    func `a companion shares an engine's memory, and ends with it`(signal: CInt) throws {
        let engine = try engine()
        let companion = try #require(children(of: engine.pid).first { $0.name == "midihub-memory" })
        #expect(names(in: "/proc/\(companion.pid)/fd").isEmpty)
        engine.send(signal)
        try engine.finish()
        try eventually("the companion's end") {
            let state = text(of: "/proc/\(companion.pid)/stat").split(separator: " ").dropFirst(2).first
            return state.map { $0 == "Z" } ?? true
        }
    }

    @Test func `the sockets of an engine are its thread's alone, and who has its port is found`() throws {
        let engine = try engine()
        let threads = names(in: "/proc/\(engine.pid)/task")
        let thread = try #require(threads.first { text(of: "/proc/\(engine.pid)/task/\($0)/comm") == "midi\n" })
        let own = names(in: "/proc/\(engine.pid)/task/\(thread)/fd").count
        #expect(own > names(in: "/proc/\(engine.pid)/fd").count)
        #expect(Programs.holder(of: port, .udp) == "midihub (pid \(engine.pid))")
    }
}
