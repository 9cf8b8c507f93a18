import Linux
import TestSupport
import Testing

@Suite struct WakeupTests {
    @Test func `no timer and no alarm comes early, and timers come in their order`() throws {
        let loop = try EventLoop()
        var random = SeededRandom(seed: 7)
        var (fired, rung): ([ContinuousClock.Instant], Int) = ([], 0)
        let start = ContinuousClock.now
        for number in 0..<60 {
            let due = start + .microseconds(Int.random(in: 100...20_000, using: &random))
            if number % 10 == 0 {
                let alarm = loop.alarm {
                    #expect(ContinuousClock.now >= due)
                    rung += 1
                }
                alarm.due = due
            } else {
                loop.at(due) {
                    #expect(ContinuousClock.now >= due)
                    fired.append(due)
                }
            }
        }
        loop.at(start + .milliseconds(21)) { loop.after(.zero) { loop.stop() } }
        try loop.run()
        #expect(fired.count == 54 && rung == 6)
        #expect(fired == fired.sorted())
    }

    /// Where the machine is busy, several are done in one turn: some try will be left alone.
    @Test func `timers that are fractions of a millisecond apart have turns of their own`() throws {
        let most = try (0..<200).lazy.map { _ in
            let loop = try EventLoop()
            let start = ContinuousClock.now + .milliseconds(1)
            for number in 0..<20 { loop.at(start + .microseconds(200 * number)) {} }
            loop.at(start + .milliseconds(5)) { loop.stop() }
            try loop.run()
            return loop.turns
        }.first { $0 > 15 }
        #expect(most != nil)
    }

    @Test func `what is cancelled or put off wakes up nobody`() throws {
        let loop = try EventLoop()
        let alarm = loop.alarm {}
        alarm.due = .now + .milliseconds(30)
        let never = loop.after(.milliseconds(20)) { Issue.record("a cancelled timer fired") }
        loop.after(.milliseconds(1)) {
            loop.cancel(never)
            alarm.due = .now + .milliseconds(60)
        }
        loop.after(.milliseconds(120)) { loop.stop() }
        try loop.run()
        #expect(loop.turns <= 3)
    }

    @Test func `an alarm that is brought forward rings at its new time`() throws {
        let loop = try EventLoop()
        let mailbox = try Mailbox<Int>()
        var rings: [Int] = []
        let alarm = loop.alarm {
            rings.append(rings.count)
            if rings.count == 2 { loop.stop() } else { mailbox.send(0) }
        }
        alarm.due = .now + .seconds(3600)
        // Once by a timer, once by what a descriptor brings.
        loop.after(.milliseconds(2)) { alarm.due = .now + .milliseconds(1) }
        try loop.receive(mailbox) { _ in alarm.due = .now + .milliseconds(1) }
        try loop.run()
        #expect(rings == [0, 1])
    }

    @Test func `work that plans itself again at once lets the descriptors have their turn`() throws {
        let loop = try EventLoop()
        let mailbox = try Mailbox<Int>()
        var rounds = 0
        func again() {
            rounds += 1
            if rounds == 1 { mailbox.send(0) }
            if rounds < 1000 { loop.after(.zero, again) } else { loop.stop() }
        }
        try loop.receive(mailbox) { _ in
            #expect(rounds <= 2)
            loop.stop()
        }
        loop.after(.zero, again)
        try loop.run()
        #expect(rounds < 1000)
    }
}
