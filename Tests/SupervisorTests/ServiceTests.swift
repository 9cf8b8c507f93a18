import Foundation
import Linux
import Supervisor
import TestSupport
import Testing

/// Real processes, on a loop of the test's own.
@Suite struct ServiceTests {
    /// A service and all that it reports, in words.
    private final class Stage {
        let directory = TemporaryDirectory()
        let loop: EventLoop
        var service: Service!
        var reports: [String] = []
        var saved: ProcessIdentity?
        var reported: (Service.Report) -> Void = { _ in }
        var program: () throws(Service.Unfit) -> ChildProgram
        var goodbye: (@escaping () -> Void) -> Void = { _ in }
        private var isAlive = true

        /// A word of the command line that no other process has.
        var mark: String { directory.file("mark") }

        init(
            teardown: Teardown = Teardown(goodbye: nil, terminate: .seconds(20)), saved: ProcessIdentity? = nil,
            script: String? = nil
        ) throws {
            loop = try EventLoop()
            self.saved = saved
            let mark = directory.write("mark", "")
            let output = directory.file("log")
            program = { () throws(Service.Unfit) in
                ChildProgram(
                    path: script == nil ? "/usr/bin/tail" : "/bin/sh",
                    arguments: (script.map { ["-c", $0] } ?? []) + ["-f", mark],
                    environment: ["PATH": "/usr/bin:/bin"], output: output)
            }
            let plan = Service.Plan(
                prepare: { [unowned self] () throws(Service.Unfit) in try program() },
                goodbye: { [unowned self] in goodbye($0) }, marks: [["-f", mark]],
                load: { [unowned self] in self.saved }, save: { [unowned self] in self.saved = $0 })
            service = Service(name: "one", loop: loop, plan: plan, teardown: teardown) { [unowned self] in handle($0) }
        }

        deinit {
            // Also one that has just ended and has no command line any more: a child that nobody reaps keeps Swift
            // Testing from noticing the end of its own.
            for pid in Set(ProcessIdentity.withArguments([mark]) + [service?.pid].compactMap(\.self)) {
                kill(pid, SIGKILL)
                waitpid(pid, nil, 0)
            }
        }

        private func handle(_ report: Service.Report) {
            switch report {
            case .started: reports.append("started")
            case .adopted(_, let how): reports.append("adopted by \(how)")
            case .cannotStart(let reason): reports.append("cannot start: \(reason)")
            case .exited(let exit, let expected): reports.append("\(exit)\(expected ? ", expected" : "")")
            case .down: reports.append("down")
            }
            reported(report)
        }

        /// Runs the loop until it holds.
        func run(_ what: String, until condition: () -> Bool) throws {
            try loop.run(until: what, seen: "\(reports)", condition)
        }

        func run(until report: String) throws { try run("\"\(report)\"") { reports.contains(report) } }
        func runs(_ pid: Int32) -> Bool { kill(pid, 0) == 0 }
    }

    @Test func `what is started runs, is on record, and is ended when unwanted`() throws {
        let stage = try Stage()
        stage.service.start()
        let pid = try #require(stage.service.pid)
        #expect(stage.saved?.pid == pid)
        #expect(stage.saved?.isRunning == true)
        stage.service.start()
        #expect(stage.reports == ["started"], "wanted already")
        stage.service.markReady()
        #expect(stage.service.state == .up)
        stage.service.stop()
        try stage.run(until: "down")
        #expect(stage.reports == ["started", "killed by signal 15 (Terminated), expected", "down"])
        #expect(!stage.runs(pid))
        #expect(stage.saved == nil)
        #expect(stage.service.pid == nil)
        stage.service.stop()
        #expect(stage.reports.last == "down", "also when it was down before")
    }

    @Test func `one that ends by itself is started anew, with the reason told`() throws {
        let stage = try Stage(script: "exit 7")
        stage.service.start()
        try stage.run("two starts") { stage.reports.count { $0 == "started" } == 2 }
        #expect(stage.reports.prefix(3) == ["started", "exit code 7", "started"])
        stage.service.stop()
    }

    @Test func `one that does not heed SIGTERM is killed`() throws {
        let stage = try Stage(
            teardown: Teardown(goodbye: nil, terminate: .milliseconds(100)),
            script: "trap '' TERM; while :; do sleep 1; done")
        stage.service.start()
        // The trap is in place once the shell waits for its child.
        let pid = try #require(stage.service.pid)
        try eventually("the trap") {
            let ignored = File.text("/proc/\(pid)/status")?.split(separator: "\n").first { $0.hasPrefix("SigIgn") }
            return UInt64(ignored?.split(separator: "\t").last ?? "", radix: 16).map { $0 & (1 << 14) != 0 } ?? false
        }
        stage.service.stop()
        try stage.run(until: "down")
        #expect(stage.reports[1] == "killed by signal 9 (Killed), expected")
    }

    @Test func `goodbye is said first, and waited for no longer than its timeout`() throws {
        let stage = try Stage(teardown: Teardown(goodbye: .milliseconds(100), terminate: .seconds(20)))
        var goodbyes = 0
        stage.goodbye = { _ in goodbyes += 1 }
        stage.service.start()
        stage.service.markReady()
        stage.service.stop()
        #expect(goodbyes == 1)
        #expect(stage.service.state == .ending(.goodbye))
        try stage.run(until: "down")
    }

    @Test func `when goodbye is said the rest follows at once`() throws {
        let stage = try Stage(teardown: Teardown(goodbye: .seconds(3600), terminate: .seconds(20)))
        stage.goodbye = { done in stage.loop.after(.zero, done) }
        stage.service.start()
        stage.service.stop()
        try stage.run(until: "down")
    }

    @Test func `a goodbye that is answered late does not cut the next process's short`() throws {
        let stage = try Stage(teardown: Teardown(goodbye: .milliseconds(50), terminate: .seconds(20)))
        var late: [() -> Void] = []
        stage.goodbye = { late.append($0) }
        stage.service.start()
        stage.service.stop()
        try stage.run(until: "down")
        stage.service.start()
        try stage.run("a second process") { stage.service.pid != nil }
        stage.service.stop()
        late[0]()
        #expect(stage.service.state == .ending(.goodbye))
        late[1]()
        #expect(stage.service.state == .ending(.terminate))
        try stage.run("down again") { stage.reports.count { $0 == "down" } == 2 }
    }

    @Test func `why it must not start is told, and it is tried again`() throws {
        let stage = try Stage()
        let works = stage.program
        stage.program = { () throws(Service.Unfit) in throw Service.Unfit("the port is taken") }
        stage.service.start()
        #expect(stage.reports == ["cannot start: the port is taken"])
        #expect(stage.service.state == .waiting)
        stage.program = works
        try stage.run(until: "started")
        stage.service.stop()
        try stage.run(until: "down")
    }

    @Test func `a program that is missing is told in words`() throws {
        let stage = try Stage()
        stage.program = { () throws(Service.Unfit) in
            ChildProgram(path: "/no/such/rtpmidid", arguments: [], environment: [:], output: nil)
        }
        stage.service.start()
        #expect(stage.reports == ["cannot start: start /no/such/rtpmidid: No such file or directory"])
        stage.service.stop()
        #expect(stage.reports.last == "down")
    }

    @Test func `one that stops wanting it on hearing of its end has it down once`() throws {
        let stage = try Stage(script: "exit 0")
        stage.reported = { [unowned stage] in if case .exited = $0 { stage.service.stop() } }
        stage.service.start()
        try stage.run(until: "down")
        stage.loop.run(for: .milliseconds(1200))
        #expect(stage.reports == ["started", "exit code 0", "down"])
    }

    @Test func `a service that is let go leaves nothing on the loop that could call it`() throws {
        let stage = try Stage(teardown: Teardown(goodbye: nil, terminate: .milliseconds(100)))
        stage.service.start()
        stage.service.stop()
        try stage.run(until: "down")
        // The timeout of its teardown is not over yet.
        stage.service = nil
        stage.loop.run(for: .milliseconds(300))
        #expect(stage.reports.last == "down")
    }

    // MARK: Adoption

    @Test func `the process on record is adopted, and ended like a child`() throws {
        let first = try Stage()
        first.service.start()
        let pid = try #require(first.service.pid)
        let second = try Stage(saved: first.saved)
        #expect(second.service.adopt())
        #expect(second.service.pid == pid)
        #expect(second.service.isAdopted)
        #expect(second.service.state == .up)
        #expect(second.reports == ["adopted by its record"])
        second.service.stop()
        try second.run(until: "down")
        #expect(second.reports.count == 3)
        #expect(!second.service.isAdopted)
    }

    @Test func `a record of a process that has ended is none, and is taken away`() throws {
        let first = try Stage()
        first.service.start()
        let stale = try #require(first.saved)
        first.service.stop()
        try first.run(until: "down")
        let second = try Stage(saved: stale)
        #expect(!second.service.adopt())
        #expect(second.saved == nil)
        #expect(second.reports.isEmpty)
    }

    @Test func `a record whose number belongs to another process by now adopts nobody`() throws {
        let other = try Stage()
        other.service.start()
        let running = try #require(other.saved)
        // The same number, started earlier, or before this boot, or another program.
        for (key, value) in [("startTime", "1"), ("bootID", "\"another\""), ("executableInode", "1")] {
            let stale = try identity(running, replacing: key, with: value)
            let stage = try Stage(saved: stale)
            #expect(!stage.service.adopt(), "\(key)")
            #expect(stage.saved == nil)
        }
        #expect(running.isRunning, "it was not touched")
    }

    @Test func `one that lost its record is found by an option and its value, and put on record`() throws {
        let stage = try Stage()
        let child = try stage.program().spawn()  // as by a hub that was killed before it wrote the record
        #expect(stage.service.adopt())
        #expect(stage.service.pid == child)
        #expect(stage.reports == ["adopted by its command line"])
        #expect(stage.saved?.pid == child)
        stage.service.stop()
        try stage.run(until: "down")
    }

    @Test func `another program that has the same file open is not taken for it`() throws {
        let stage = try Stage()
        let editor = try ChildProgram(
            path: "/bin/sh", arguments: ["-c", "exec tail -n 1 --follow \"$0\"", stage.mark],
            environment: ["PATH": "/usr/bin:/bin"], output: nil
        ).spawn()
        defer {
            kill(editor, SIGKILL)
            waitpid(editor, nil, 0)
        }
        try eventually("it runs") { File.text("/proc/\(editor)/comm") == "tail\n" }
        #expect(!stage.service.adopt())
        #expect(kill(editor, 0) == 0)
    }

    private func identity(
        _ identity: ProcessIdentity, replacing key: String, with value: String
    ) throws -> ProcessIdentity {
        let text = String(decoding: try JSONEncoder().encode(identity), as: UTF8.self)
        let changed = text.replacing(try Regex("\"\(key)\":(\"[^\"]*\"|[0-9]+)"), with: "\"\(key)\":\(value)")
        try #require(changed != text)
        return try JSONDecoder().decode(ProcessIdentity.self, from: Data(changed.utf8))
    }
}
