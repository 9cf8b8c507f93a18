import Foundation
import Linux
import TestSupport
import Testing

@Suite struct ChildTests {
    private func shell(_ script: String, output: String? = nil) -> ChildProgram {
        ChildProgram(
            path: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin", "A": "b c"],
            output: output)
    }

    @Test func `a short program's output and exit code come back`() throws {
        let (output, exit) = try shell("echo \"$A\"; exit 3").run(limit: .seconds(20))
        #expect(String(decoding: output, as: UTF8.self) == "b c\n")
        #expect(exit == .code(3))
    }

    @Test func `one that does not end is killed at its limit`() throws {
        let (_, exit) = try shell("while :; do :; done").run(limit: .milliseconds(200))
        #expect(exit == .signal(9))
    }

    @Test(arguments: ["sleep 600 & sleep 600", "sleep 600 >/dev/null 2>&1 & echo done"])
    func `what it has started in its session ends with it, also what does not hold its output`(script: String) throws {
        let scratch = try Scratch()
        let mark = "\(scratch.path)/mark"
        try File.replace(mark, with: [])
        let began = ContinuousClock.now
        _ = try shell(script.replacing("sleep 600", with: "tail -f \(mark)")).run(limit: .milliseconds(500))
        #expect(began.duration(to: .now) < .seconds(60), "it did not wait for them")
        // Killed, but perhaps not gone to the last page yet.
        try eventually("nothing of it runs") { ProcessIdentity.withArguments(["-f", mark]).isEmpty }
    }

    @Test func `one that writes more than is kept is not held up`() throws {
        let (output, exit) = try shell("head -c 1000000 /dev/zero; exit 3").run(limit: .seconds(60))
        #expect(output.count == 65536)
        #expect(exit == .code(3))
    }

    @Test func `waiting for a program that says nothing costs next to nothing`() throws {
        func switches() throws -> Int {
            let status = try #require(File.text("/proc/thread-self/status"))
            let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") })
            return try #require(Int(line.split(separator: "\t")[1]))
        }
        let before = try switches()
        _ = try shell("sleep 60").run(limit: .milliseconds(900))
        #expect(try switches() - before < 200, "it is not woken every millisecond")
    }

    @Test func `an output that cannot be opened is the thing that the error names`() {
        #expect {
            _ = try shell("exit 0", output: "/no/such/log").spawn()
        } throws: { "\($0)" == "open /no/such/log: No such file or directory" }
    }

    @Test func `a missing program is an error that names it`() {
        #expect {
            _ = try ChildProgram(path: "/no/such/thing", arguments: [], environment: [:], output: nil).spawn()
        } throws: { "\($0)" == "start /no/such/thing: No such file or directory" }
    }

    @Test func `it starts in its own session with only standard descriptors, an empty mask and SIGPIPE ignored`() throws
    {
        let held = try Descriptor("open") { open("/dev/null", O_RDONLY) }  // inheritable on purpose
        let script = "ls /proc/$$/fd; grep -E 'SigBlk|SigIgn' /proc/self/status; cut -d' ' -f6 /proc/$$/stat; echo $$"
        let (output, exit) = try shell(script).run(limit: .seconds(20))
        #expect(exit == .code(0))
        let lines = String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
        #expect(
            Array(lines.prefix { $0.count < 4 }) == ["0", "1", "2"],
            "descriptor \(held.number) must not be inherited: \(lines)")
        #expect(lines.contains("SigBlk:\t0000000000000000"))
        let ignored = lines.first { $0.hasPrefix("SigIgn") }.flatMap { UInt64($0.dropFirst(8), radix: 16) }
        #expect(try #require(ignored) & (1 << 12) != 0)
        #expect(lines[lines.count - 2] == lines[lines.count - 1], "session id and pid")
    }

    @Test func `identity tells a running process from an ended one and from another with its number`() throws {
        // Not by way of a shell, which would become another program.
        let pid = try ChildProgram(
            path: "/usr/bin/tail", arguments: ["-f", "/dev/null"], environment: [:], output: nil
        ).spawn()
        let identity = try #require(ProcessIdentity(of: pid))
        #expect(identity.isRunning)
        guard let descriptor = ProcessDescriptor(identity) else {
            Issue.record("a running process has no descriptor")
            return
        }
        descriptor.send(SIGKILL)
        var status: CInt = 0
        waitpid(pid, &status, 0)
        #expect(!identity.isRunning)
        if ProcessDescriptor(identity) != nil { Issue.record("an ended process must not be signalled") }
    }

    @Test func `a process that was just started is seen as what it is, not as its parent`() throws {
        var status = stat()
        #expect(stat("/usr/bin/tail", &status) == 0)
        let program = ChildProgram(
            path: "/usr/bin/tail", arguments: ["-f", "/dev/null"], environment: [:], output: nil)
        for _ in 0..<200 {
            let pid = try program.spawn()
            let identity = ProcessIdentity(of: pid)
            let line = File.bytes("/proc/\(pid)/cmdline")
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            #expect(identity?.executableInode == UInt64(status.st_ino))
            #expect(line == Array("/usr/bin/tail\0-f\0/dev/null\0".utf8))
        }
    }

    @Test func `a zombie counts as ended`() throws {
        let pid = try shell("exit 0").spawn()
        var info = siginfo_t()
        waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT)
        #expect(ProcessIdentity(of: pid) == nil)
        #expect(ChildProgram.reap(pid) == .code(0))
    }

    @Test func `a process is found by a whole word of its command line`() throws {
        let scratch = try Scratch()
        let word = "\(scratch.path)/mark"
        try File.replace(word, with: [])
        let pid = try ChildProgram(path: "/usr/bin/tail", arguments: ["-f", word], environment: [:], output: nil)
            .spawn()
        defer {
            kill(pid, SIGKILL)
            _ = waitpid(pid, nil, 0)
        }
        #expect(ProcessIdentity.withArguments([word]) == [pid])
        #expect(ProcessIdentity.withArguments([String(word.dropLast())]).isEmpty)
        #expect(ProcessIdentity.withArguments(["-f", word]) == [pid])
        #expect(ProcessIdentity.withArguments(["/usr/bin/tail", word]).isEmpty, "both are there, but not side by side")
        #expect(ProcessIdentity.withArguments([word, "-f"]).isEmpty)
    }
}
