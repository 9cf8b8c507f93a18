import Supervisor
import TestSupport
import Testing

@Suite struct ServiceMachineTests {
    typealias Machine = ServiceMachine<TestClock>
    let clock = TestClock()
    let teardown = Teardown(goodbye: .seconds(2), terminate: .seconds(5))

    /// Runs the wait out; true where the next action is a spawn.
    private func next(_ machine: inout Machine, _ action: Machine.Action?) -> Duration? {
        guard case .wake(let at) = action else { return nil }
        let wait = clock.now.duration(to: at)
        clock.advance(by: max(.zero, wait))
        return machine.handle(.timer) == .spawn ? wait : nil
    }

    @Test func `a crashing service is started at least a second apart, then ever more slowly up to 30 s`() {
        var machine = Machine(clock: clock, teardown: teardown)
        #expect(machine.handle(.wantUp) == .spawn)
        var waits: [Duration] = []
        for _ in 0..<8 {
            guard let wait = next(&machine, machine.handle(.exited)) else { break }
            waits.append(wait)
        }
        #expect(waits == [1, 2, 4, 8, 16, 30, 30, 30].map { .seconds($0) })
    }

    @Test func `ten seconds of good service start the backoff from its beginning`() {
        var machine = Machine(clock: clock, teardown: teardown)
        #expect(machine.handle(.wantUp) == .spawn)
        for _ in 0..<4 { _ = next(&machine, machine.handle(.exited)) }
        #expect(machine.handle(.ready) == nil)
        clock.advance(by: .seconds(11))
        #expect(next(&machine, machine.handle(.exited)) == .seconds(-10), "its second is long over: at once")
    }

    @Test func `a timer that comes too early waits again`() {
        var machine = Machine(clock: clock, teardown: teardown)
        _ = machine.handle(.wantUp)
        guard case .wake(let at) = machine.handle(.exited) else {
            Issue.record("no wake")
            return
        }
        #expect(machine.handle(.timer) == .wake(at: at))
        #expect(machine.state == .waiting)
    }

    @Test func `stopping says goodbye, then terminates, then kills, each after its timeout`() {
        var machine = Machine(clock: clock, teardown: teardown)
        _ = machine.handle(.wantUp)
        _ = machine.handle(.ready)
        #expect(machine.handle(.wantDown) == .end(.goodbye, timeout: .seconds(2)))
        #expect(machine.handle(.timer) == .end(.terminate, timeout: .seconds(5)))
        #expect(machine.handle(.timer) == .end(.kill, timeout: .seconds(5)))
        #expect(machine.handle(.timer) == .end(.kill, timeout: .seconds(5)))
        #expect(machine.handle(.exited) == nil)
        #expect(machine.state == .idle)
    }

    @Test func `one that is wanted again while it ends is started when it has ended`() {
        var machine = Machine(clock: clock, teardown: teardown)
        _ = machine.handle(.wantUp)
        _ = machine.handle(.ready)
        clock.advance(by: .seconds(10))
        _ = machine.handle(.wantDown)
        #expect(machine.handle(.wantUp) == nil)
        #expect(next(&machine, machine.handle(.exited)) != nil)
    }

    @Test func `an unfit one is ended without goodbye and started anew`() {
        var machine = Machine(clock: clock, teardown: teardown)
        _ = machine.handle(.wantUp)
        #expect(machine.handle(.unfit) == .end(.terminate, timeout: .seconds(5)))
        #expect(next(&machine, machine.handle(.exited)) == .seconds(1))
    }

    @Test func `one that is to be made anew is killed without a goodbye and started again`() {
        var machine = Machine(clock: clock, teardown: teardown)
        _ = machine.handle(.wantUp)
        _ = machine.handle(.ready)
        clock.advance(by: .seconds(10))
        #expect(machine.handle(.wantAnew) == .end(.kill, timeout: .seconds(5)))
        #expect(machine.handle(.wantAnew) == nil)
        #expect(next(&machine, machine.handle(.exited)) == .seconds(-9), "its second is long over: at once")
        _ = machine.handle(.wantDown)
        _ = machine.handle(.exited)
        clock.advance(by: .seconds(10))
        #expect(machine.handle(.wantAnew) == .spawn, "one that was stopped is started")
    }

    @Test func `an adopted one is up, and restarted like any other`() {
        var machine = Machine(clock: clock, teardown: teardown)
        #expect(machine.handle(.adopted) == nil)
        #expect(machine.state == .up)
        #expect(machine.handle(.wantUp) == nil)
        #expect(next(&machine, machine.handle(.exited)) == .seconds(1))
    }

    @Test func `what cannot start is tried again, and not any more once unwanted`() {
        var machine = Machine(clock: clock, teardown: teardown)
        _ = machine.handle(.wantUp)
        let action = machine.handle(.cannotStart)
        #expect(machine.state == .waiting)
        #expect(machine.handle(.wantDown) == nil)
        #expect(machine.state == .idle)
        guard case .wake(let at) = action else {
            Issue.record("no wake")
            return
        }
        clock.advance(by: clock.now.duration(to: at))
        #expect(machine.handle(.timer) == nil)
    }

    @Test func `however often it is stopped and started, starts are a second apart`() {
        var machine = Machine(clock: clock, teardown: teardown)
        #expect(machine.handle(.wantUp) == .spawn)
        #expect(machine.handle(.wantDown) == .end(.goodbye, timeout: .seconds(2)))
        #expect(machine.handle(.exited) == nil)
        clock.advance(by: .milliseconds(300))
        #expect(next(&machine, machine.handle(.wantUp)) == .milliseconds(700))
        clock.advance(by: .seconds(1))
        _ = machine.handle(.wantDown)
        _ = machine.handle(.exited)
        #expect(machine.handle(.wantUp) == .spawn, "its second is over")
    }

    @Test func `one that a person stops is forgiven its failures`() {
        var machine = Machine(clock: clock, teardown: teardown)
        _ = machine.handle(.wantUp)
        for _ in 0..<5 { _ = next(&machine, machine.handle(.exited)) }
        _ = machine.handle(.wantDown)
        _ = machine.handle(.exited)
        #expect(next(&machine, machine.handle(.wantUp)) == .seconds(1))
    }

    @Test func `without a goodbye of its own it is terminated at once`() {
        var machine = Machine(clock: clock, teardown: Teardown(goodbye: nil, terminate: .seconds(1)))
        _ = machine.handle(.wantUp)
        #expect(machine.handle(.wantDown) == .end(.terminate, timeout: .seconds(1)))
    }
}
