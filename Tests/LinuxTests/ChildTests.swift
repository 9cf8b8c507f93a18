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
        let pid = try shell("read x < /proc/self/fd/0; exec sleep 60").spawn()
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
        // The kernel lets posix_spawn return a moment before the new command line can be read.
        try eventually("the process is found") { ProcessIdentity.withArgument(word) == [pid] }
        #expect(ProcessIdentity.withArgument(String(word.dropLast())).isEmpty)
    }
}
