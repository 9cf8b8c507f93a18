import Linux
import Synchronization
import Testing

@Suite struct EventLoopTests {
    @Test func `a mailbox hands over in order what another thread sends`() throws {
        let loop = try EventLoop()
        let mailbox = try Mailbox<Int>()
        var received: [Int] = []
        try loop.receive(mailbox) { number in
            received.append(number)
            if number == 999 { loop.stop() }
        }
        let thread = try WorkerThread("sender") { for number in 0..<1000 { mailbox.send(number) } }
        try loop.run()
        thread.join()
        #expect(received == Array(0..<1000))
    }

    @Test func `timers fire in the order of their time, cancelled ones never`() throws {
        let loop = try EventLoop()
        var fired: [String] = []
        loop.after(.milliseconds(20)) {
            fired.append("late")
            loop.stop()
        }
        loop.after(.milliseconds(5)) { fired.append("early") }
        let never = loop.after(.milliseconds(10)) { fired.append("never") }
        loop.cancel(never)
        try loop.run()
        #expect(fired == ["early", "late"])
    }

    @Test func `of timers for the same instant the first one asked for comes first`() throws {
        let loop = try EventLoop()
        var fired: [Int] = []
        let instant = ContinuousClock.now.advanced(by: .milliseconds(5))
        for number in 0..<5 { loop.at(instant) { fired.append(number) } }
        loop.at(instant.advanced(by: .milliseconds(1))) { loop.stop() }
        try loop.run()
        #expect(fired == [0, 1, 2, 3, 4])
    }

    @Test func `an event of a descriptor that was unwatched in the same turn is dropped`() throws {
        let loop = try EventLoop()
        let directory = try Scratch()
        let listener = try Sockets.listen(unix: "\(directory.path)/s", mode: 0o600)
        let one = try Sockets.connect(unix: "\(directory.path)/s", nonBlocking: true)
        let two = try Sockets.connect(unix: "\(directory.path)/s", nonBlocking: true)
        guard let first = try Sockets.accept(listener)?.intoSocket(),
            let second = try Sockets.accept(listener)?.intoSocket()
        else {
            Issue.record("two connections are waiting")
            return
        }
        try one.writeAll([1], socket: true)
        try two.writeAll([1], socket: true)
        var calls = 0
        var registrations: [EventLoop.Registration] = []
        for number in [first.number, second.number] {
            registrations.append(
                try loop.watch(number, .read) { _ in
                    calls += 1
                    for registration in registrations { loop.unwatch(registration) }
                    loop.after(.milliseconds(20)) { loop.stop() }
                })
        }
        try loop.run()
        #expect(calls == 1)
    }
}

@Suite struct SocketsTests {
    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1:8080"), ("[::1]:80", "[::1]:80"), ("*:9", "[::]:9"),
        ("localhost:1", "127.0.0.1:1"),
    ])
    func `numeric addresses are understood`(text: String, shown: String) {
        #expect(Sockets.Address(text)?.description == shown)
    }

    @Test(arguments: ["", "8080", "example.org:80", "127.0.0.1:", "127.0.0.1:70000", "1.2.3:4", ":80"])
    func `anything else is none`(text: String) {
        #expect(Sockets.Address(text) == nil)
    }

    @Test func `a taken UDP port is an error that names it`() throws {
        let first = try Sockets.datagram(.init(host: "127.0.0.1", port: 0))
        let address = Sockets.localAddress(first)
        #expect {
            _ = try Sockets.datagram(address)
        } throws: { error in
            (error as? Errno)?.code == 98 && "\(error)" == "bind \(address): Address already in use"
        }
    }

    @Test func `a unix path too long to bind is refused, not cut`() {
        #expect(throws: Errno.self) {
            _ = try Sockets.connect(unix: "/tmp/" + String(repeating: "x", count: 120), nonBlocking: true)
        }
    }
}

@Suite struct AlarmTests {
    @Test func `an alarm rings once each time it is set, and not when it is unset`() throws {
        let loop = try EventLoop()
        var rings = 0
        var alarm: Alarm!  // its work sets it again
        alarm = loop.alarm {
            rings += 1
            if rings < 3 { alarm.due = .now.advanced(by: .milliseconds(1)) }
        }
        let never = loop.alarm { Issue.record("an unset alarm rang") }
        never.due = .now.advanced(by: .milliseconds(2))
        alarm.due = .now
        never.due = nil
        loop.after(.milliseconds(50)) { loop.stop() }
        try loop.run()
        #expect(rings == 3)
    }
}
