//  Module Supervisor: keeps child processes running. Start here.
//
//  What it is: a pure state machine for one service, the shell that spawns, adopts, watches and ends its process, and a
//  tail of its log. What it refuses to be: a dependency engine, a logger, an init. Whether a service is ready is seen by
//  its owner (in its log) and told to the machine; nothing here guesses by waiting.

/// One service as a value: what is wanted, what is, and what to do next, which follows from both.
///
///     idle ──wantUp──▶ starting ──ready──▶ up
///      ▲                  │ exited / unfit    │ exited / hung
///      │                  ▼                   ▼
///      └──wantDown── waiting ◀── ending ◀─────┘        (waiting: at least 1 s between starts, doubling to 30 s)
package struct ServiceMachine<C: Clock> where C.Duration == Duration {
    package enum State: Equatable, Sendable {
        case idle
        /// Between two runs; the next start is due at the instant that `wake` named.
        case waiting
        case starting
        case up
        /// On its way out, at this step of `Teardown`.
        case ending(Teardown.Step)
    }

    package enum Event: Equatable, Sendable {
        case wantUp
        case wantDown
        /// To be ended at once, without a goodbye, and started anew: its users are taken up again.
        case wantAnew
        /// A process that was already running was taken over; ready unless said otherwise later.
        case adopted
        /// The process could not be made or must not be: said in words by the owner.
        case cannotStart
        case ready
        /// It runs but cannot serve (it listens to nothing), or neither answers nor logs: end it and start anew.
        case unfit
        case exited
        /// The instant named by the last `wake` has come.
        case timer
    }

    package enum Action: Equatable {
        case spawn
        case wake(at: C.Instant)
        /// Do a step of the teardown, and send `timer` when its timeout is over.
        case end(Teardown.Step, timeout: Duration)
    }

    package private(set) var state: State = .idle
    package private(set) var wantUp = false

    private let clock: C
    private let teardown: Teardown
    private var failures = 0
    private var lastStart: C.Instant?
    private var upSince: C.Instant?

    /// A run this long counts as healthy: the next failure starts the backoff from its beginning.
    private static var healthyRun: Duration { .seconds(10) }
    private static var longestBackoff: Int { 30 }

    package init(clock: C, teardown: Teardown) {
        self.clock = clock
        self.teardown = teardown
    }

    package mutating func handle(_ event: Event) -> Action? {
        switch event {
        case .wantUp:
            wantUp = true
            guard state == .idle else { return nil }
            // The pause between starts holds however often it is stopped and started.
            if let due, due > clock.now {
                state = .waiting
                return .wake(at: due)
            }
            return start()
        case .wantDown:
            wantUp = false
            failures = 0
            switch state {
            case .idle, .waiting:
                state = .idle
                return nil
            case .starting, .up: return end(from: .goodbye)
            case .ending: return nil
            }
        case .wantAnew:
            failures = 0
            switch state {
            case .idle: return handle(.wantUp)
            case .starting, .up:
                wantUp = true
                return end(at: .kill)
            case .waiting, .ending:
                wantUp = true
                return nil
            }
        case .adopted:
            guard state == .idle else { return nil }
            wantUp = true
            (state, lastStart, upSince) = (.up, clock.now, clock.now)
            return nil
        case .ready:
            guard state == .starting else { return nil }
            (state, upSince) = (.up, clock.now)
            return nil
        case .unfit:
            switch state {
            // It serves nobody or does not answer, so the goodbye is skipped.
            case .starting, .up: return end(from: .terminate)
            case .idle, .waiting, .ending: return nil
            }
        case .cannotStart, .exited:
            switch state {
            case .idle, .waiting: return nil
            case .starting, .up, .ending:
                guard wantUp else {
                    state = .idle
                    return nil
                }
                return wait()
            }
        case .timer:
            switch state {
            case .waiting:
                guard let due, clock.now >= due else { return self.due.map { .wake(at: $0) } }
                return start()
            case .ending(let step): return step.next.map { end(at: $0) }
            case .idle, .starting, .up: return nil
            }
        }
    }

    /// When the next start is due: 1, 2, 4, … 30 s after the last one.
    private var due: C.Instant? {
        lastStart?.advanced(by: .seconds(min(Self.longestBackoff, 1 << min(max(failures - 1, 0), 5))))
    }

    private mutating func start() -> Action {
        (state, lastStart, upSince) = (.starting, clock.now, nil)
        return .spawn
    }

    private mutating func wait() -> Action? {
        if let upSince, upSince.duration(to: clock.now) >= Self.healthyRun { failures = 0 }
        failures += 1
        state = .waiting
        return due.map { .wake(at: $0) }
    }

    private mutating func end(from step: Teardown.Step) -> Action {
        end(at: step == .goodbye && teardown.goodbye == nil ? .terminate : step)
    }

    private mutating func end(at step: Teardown.Step) -> Action {
        state = .ending(step)
        return .end(step, timeout: teardown.timeout(step))
    }
}

/// How a service is ended, as data: steps with a timeout each, always ending in kill.
package struct Teardown: Equatable, Sendable {
    package enum Step: Equatable, Sendable {
        /// The owner's own way to let the service's users know; skipped where there is none.
        case goodbye
        case terminate
        case kill

        var next: Step? {
            switch self {
            case .goodbye: .terminate
            case .terminate: .kill
            // Nothing comes after SIGKILL, but it is repeated for a process stuck in the kernel.
            case .kill: .kill
            }
        }
    }

    package var goodbye: Duration?
    package var terminate: Duration

    package init(goodbye: Duration?, terminate: Duration) {
        self.goodbye = goodbye
        self.terminate = terminate
    }

    func timeout(_ step: Step) -> Duration {
        switch step {
        case .goodbye: goodbye ?? .zero
        case .terminate: terminate
        case .kill: .seconds(5)
        }
    }
}
