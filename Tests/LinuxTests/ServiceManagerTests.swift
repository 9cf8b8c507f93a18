import Glibc
import Linux
import TestSupport
import Testing

/// What systemd would get, on a socket that stands in for its own.
@Suite struct ServiceManagerTests {
    @Test(arguments: ["a path", "an abstract name"])
    func `it is told in one message, a line for each`(kind: String) throws {
        let scratch = try Scratch()
        let name =
            kind == "a path" ? "\(scratch.path)/notify" : "@midihub-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        let systemd = try NotifySocket(name)
        let manager = try #require(ServiceManager(["NOTIFY_SOCKET": name]))
        manager.tell(["READY": "1", "STATUS": "2 participants in Main."])
        #expect(systemd.next() == "READY=1\nSTATUS=2 participants in Main.\n")
        #expect(systemd.next() == nil)
    }

    @Test func `a stranger's name begins no assignment`() throws {
        let scratch = try Scratch()
        let systemd = try NotifySocket("\(scratch.path)/notify")
        let manager = try #require(ServiceManager(["NOTIFY_SOCKET": "\(scratch.path)/notify"]))
        manager.tell(["STATUS": "Alice\nMAINPID=1\u{0}\r\nSTOPPING=1"])
        #expect(systemd.next() == "STATUS=Alice MAINPID=1   STOPPING=1\n")
    }

    @Test func `nobody there is no trouble`() throws {
        let scratch = try Scratch()
        #expect(ServiceManager([:]) == nil)
        #expect(ServiceManager(["NOTIFY_SOCKET": "notify"]) == nil)
        try #require(ServiceManager(["NOTIFY_SOCKET": "\(scratch.path)/none"])).tell(["READY": "1"])
    }

    @Test(arguments: [
        ("30000000", nil, Duration.seconds(30)), ("30000000", "\(getpid())", .seconds(30)), ("30000000", "1", nil),
        ("0", nil, nil), ("-5", nil, nil), ("soon", nil, nil), (nil, nil, nil),
    ])
    func `the watchdog is heard where it is meant for this process`(
        interval: String?, pid: String?, expected: Duration?
    ) throws {
        var environment = ["NOTIFY_SOCKET": "/run/none"]
        environment["WATCHDOG_USEC"] = interval
        environment["WATCHDOG_PID"] = pid
        #expect(try #require(ServiceManager(environment)).watchdog == expected)
    }
}
