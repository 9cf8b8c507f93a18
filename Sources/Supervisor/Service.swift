import Glibc
package import Linux

/// The shell around one `ServiceMachine`: spawns, adopts, watches through a pidfd, ends. Lives on one `EventLoop`.
package final class Service {
    /// What the owner of the service provides.
    package struct Plan {
        /// Called before every start; throws the sentence that says why it must not start now.
        package var prepare: () throws(Unfit) -> ChildProgram
        /// Lets the service's users know that it ends; calls back when that is done. The timeout of that step of the
        /// teardown limits it.
        package var goodbye: (@escaping () -> Void) -> Void
        /// Neighbouring words of its command line by which a process that lost its record is found: an option and its
        /// value, as a value alone would also find an editor. One match is enough; without any it is not looked for.
        package var marks: [[String]]
        /// The record of the running process, a JSON file written by the owner's codec.
        package var load: () -> ProcessIdentity?
        package var save: (ProcessIdentity?) -> Void

        package init(
            prepare: @escaping () throws(Unfit) -> ChildProgram, goodbye: @escaping (@escaping () -> Void) -> Void,
            marks: [[String]], load: @escaping () -> ProcessIdentity?, save: @escaping (ProcessIdentity?) -> Void
        ) {
            (self.prepare, self.goodbye, self.marks, self.load, self.save) = (prepare, goodbye, marks, load, save)
        }
    }

    /// Why a service cannot start, for people, with the fix.
    package struct Unfit: Error, Equatable {
        package let reason: String
        package init(_ reason: String) { self.reason = reason }
    }

    package enum Report {
        case started(pid: Int32)
        case adopted(pid: Int32, how: String)
        case cannotStart(reason: String)
        case exited(ChildExit, expected: Bool)
        /// It will not run again unless wanted: the end of a teardown.
        case down
    }

    package let name: String
    package var state: ServiceMachine<ContinuousClock>.State { machine.state }
    package var pid: Int32? { process?.descriptor.pid }
    package private(set) var isAdopted = false

    private final class Running {
        let descriptor: ProcessDescriptor
        var registration: EventLoop.Registration?
        init(_ descriptor: consuming ProcessDescriptor) { self.descriptor = descriptor }
    }

    private let loop: EventLoop
    private let plan: Plan
    private let report: (Report) -> Void
    private var machine: ServiceMachine<ContinuousClock>
    private var process: Running?
    private var timer: EventLoop.TimerID?

    package init(
        name: String, loop: EventLoop, plan: Plan, teardown: Teardown, report: @escaping (Report) -> Void
    ) {
        (self.name, self.loop, self.plan, self.report) = (name, loop, plan, report)
        machine = ServiceMachine(clock: ContinuousClock(), teardown: teardown)
    }

    /// The loop outlives the service and must not call it any more. The process, if there is one, goes on.
    deinit {
        if let timer { loop.cancel(timer) }
        if let registration = process?.registration { loop.unwatch(registration) }
    }

    /// Takes over the process on record, or one found by its command line; false where none runs.
    package func adopt() -> Bool {
        if let recorded = plan.load() {
            if adopt(recorded, how: "its record") { return true }
            plan.save(nil)
        }
        // Not the record's process: one that started before its record was written, or whose record is lost or half
        // written.
        for pid in plan.marks.flatMap(ProcessIdentity.withArguments) {
            if let identity = ProcessIdentity(of: pid), adopt(identity, how: "its command line") {
                plan.save(identity)
                return true
            }
        }
        return false
    }

    package func start() { perform(machine.handle(.wantUp)) }
    package func stop() {
        perform(machine.handle(.wantDown))
        if machine.state == .idle { report(.down) }
    }
    /// Ends the process at once, without a goodbye, and starts it anew.
    package func renew() { perform(machine.handle(.wantAnew)) }
    package func markReady() { perform(machine.handle(.ready)) }
    package func markUnfit() { perform(machine.handle(.unfit)) }

    private func adopt(_ identity: ProcessIdentity, how: String) -> Bool {
        guard let descriptor = ProcessDescriptor(identity) else { return false }
        follow(Running(descriptor))
        isAdopted = true
        perform(machine.handle(.adopted))
        report(.adopted(pid: identity.pid, how: how))
        return true
    }

    private func follow(_ running: Running) {
        process = running
        do throws(Errno) {
            running.registration = try loop.watch(running.descriptor.number, .read) { [unowned self] _ in ended() }
        } catch {
            preconditionFailure("a fresh pidfd cannot be watched: \(error)")
        }
    }

    private func ended() {
        guard let running = process else { return }
        if let registration = running.registration { loop.unwatch(registration) }
        // An adopted process is no child of ours; one reparented to us would be reaped all the same.
        let exit = ChildProgram.reap(running.descriptor.pid) ?? .unknown
        process = nil
        isAdopted = false
        plan.save(nil)
        let expected = if case .ending = machine.state { true } else { false }
        let next = machine.handle(.exited)
        let isDown = machine.state == .idle
        report(.exited(exit, expected: expected))
        perform(next)
        // The owner may have started it again in answer to the report.
        if isDown, machine.state == .idle { report(.down) }
    }

    private func perform(_ action: ServiceMachine<ContinuousClock>.Action?) {
        switch action {
        case nil: break
        case .spawn: spawn()
        case .wake(let instant): wake(at: instant)
        case .end(let step, let timeout):
            wake(at: .now.advanced(by: timeout))
            switch step {
            case .goodbye:
                let leaving = process
                plan.goodbye { [weak self, weak leaving] in
                    // A late callback must not cut short the goodbye of the next process.
                    guard let self, machine.state == .ending(.goodbye), let leaving, leaving === process else { return }
                    perform(machine.handle(.timer))
                }
            case .terminate: process?.descriptor.send(SIGTERM)
            case .kill: process?.descriptor.send(SIGKILL)
            }
        }
    }

    private func wake(at instant: ContinuousClock.Instant) {
        if let timer { loop.cancel(timer) }
        timer = loop.at(instant) { [unowned self] in
            timer = nil
            perform(machine.handle(.timer))
        }
    }

    /// Watches our own child. One that cannot be watched is ended: it would run unseen and keep the next from starting.
    private static func descriptor(of pid: Int32) throws(Errno) -> ProcessDescriptor {
        do throws(Errno) { return try ProcessDescriptor(child: pid) } catch {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            throw error
        }
    }

    private func spawn() {
        do throws(Unfit) {
            let program = try plan.prepare()
            let pid: Int32
            let descriptor: ProcessDescriptor
            do throws(Errno) {
                pid = try program.spawn()
                descriptor = try Self.descriptor(of: pid)
            } catch { throw Unfit("\(error)") }
            follow(Running(descriptor))
            plan.save(ProcessIdentity(of: pid))
            report(.started(pid: pid))
        } catch {
            let next = machine.handle(.cannotStart)
            report(.cannotStart(reason: error.reason))
            perform(next)
        }
    }
}
