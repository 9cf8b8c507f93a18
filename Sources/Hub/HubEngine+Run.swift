import EngineProtocol
import Linux
import Store
import Supervisor

/// What becomes of an engine's process. It is recorded, told and shown in the same way for every carrier.
extension HubEngine {
    func receive(_ report: Service.Report) {
        switch report {
        case .started(let pid):
            run = EngineRun(starts: run.starts + 1)
            context.note(.engineStarted, room: roomName, engine: name, "\(name) started, pid \(pid)")
            let (timeout, problem) = readiness
            run.readinessTimer = context.loop.after(timeout) { [unowned self] in
                fail("\(problem) within \(timeout)")
            }
            hasStarted()
        case .adopted(let pid, let how):
            run.since = .now
            wasAdopted()
            context.note(
                .adopted, room: roomName, engine: name, "\(name), pid \(pid), adopted (found by \(how))")
        case .cannotStart(let text):
            if run.reason != text {
                context.note(
                    .engineCannotStart, severity: .error, room: roomName, engine: name,
                    "\(name) cannot start: \(text)" + (run.fix.map { " (fix: \($0))" } ?? ""))
            }
            (run.reason, run.since, run.isReady) = (text, .now, false)
        case .exited(let exit, let expected):
            cancelReadiness()
            readLog()
            (run.since, run.isReady) = (.now, false)
            if expected {
                context.note(.engineStopped, room: roomName, engine: name, "\(name) stopped (\(exit))")
            } else {
                let text = run.lastWords.isEmpty ? "" : ": " + run.lastWords.suffix(3).joined(separator: " / ")
                run.reason = "ended by itself, \(exit)\(text)"
                context.note(
                    .engineExited, severity: .error, room: roomName, engine: name, "\(name) ended: \(exit)\(text)")
            }
            hasEnded(expected: expected)
        case .down: break
        }
        context.changed()
    }

    /// Notes that it serves its ports. False where that was known, or where it has ended meanwhile.
    func becomesReady() -> Bool {
        guard !run.isReady, process.service.pid != nil else { return false }
        cancelReadiness()
        (run.isReady, run.reason, run.since) = (true, nil, .now)
        process.service.markReady()
        return true
    }

    /// Ends a process that runs but cannot serve.
    func fail(_ text: String) {
        guard process.service.pid != nil, process.service.state != .idle else { return }
        cancelReadiness()
        run.isReady = false
        if run.reason != text {
            context.note(.engineUnfit, severity: .error, room: roomName, engine: name, "\(name) is ended: \(text)")
        }
        run.reason = text
        process.service.markUnfit()
        context.changed()
    }

    private func cancelReadiness() {
        if let timer = run.readinessTimer { context.loop.cancel(timer) }
        run.readinessTimer = nil
    }

    // MARK: Whether it hangs

    /// Every second: one that hangs is seen soon.
    func look() {
        guard run.isReady, process.service.state == .up else { return }
        process.look()
        if process.looksInVain == EngineProcess.illAfter { context.changed() }
        if process.isIll { hangs(for: process.looksInVain) }
    }

    /// Only after 60 s: an engine that is ended without need loses its players, and rtpmidid participants may then
    /// evict each other for ever (Rtpmidid.docc/Participants.md).
    func endHung(for seconds: Int) {
        if seconds >= 60 { fail("it has neither logged nor answered for \(seconds) s") }
    }

    // MARK: Showing

    /// How one of its ports is shown. `problem` says why that port is not served. `isOpen`: the process has opened it.
    func view(_ port: UInt16, room: String, problem: String? = nil, isOpen: Bool = true) -> Snapshot.Engine {
        var view = Snapshot.Engine(name: name, port: port, room: room, since: run.since.milliseconds)
        switch process.service.state {
        case .idle: view.state = process.isWanted ? .starting : .down
        case .waiting: view.state = .failed
        case .starting: view.state = .starting
        case .up where problem != nil || process.isIll: view.state = .failed
        case .up: view.state = isOpen ? .up : .starting
        case .ending: view.state = run.reason == nil && !process.isIll ? .stopping : .failed
        }
        if view.state != .up {
            (view.reason, view.fix) = (problem ?? run.reason ?? process.illness, run.fix)
        }
        view.pid = process.service.pid
        view.version = shownVersion
        view.restarts = max(0, run.starts - 1)
        view.adopted = process.service.isAdopted
        view.unknownLines = unknownLines
        view.logRead = tail?.committedOffset ?? 0
        view.logLag = tail?.lag ?? 0
        return view
    }
}
