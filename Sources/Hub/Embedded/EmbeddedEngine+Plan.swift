import EngineProtocol
import Foundation
import Linux
import Store
import Supervisor

/// What an embedded engine is to serve: a file that it reads.
extension EmbeddedEngine {
    /// `embedded`, `embedded-2` and so on.
    static func name(_ index: Int) -> String { index == 0 ? "embedded" : "embedded-\(index + 1)" }

    /// nil where there is none that can be read.
    static func writtenPlan(of name: String, in state: StateDirectory) -> EnginePlan? {
        File.bytes(state.plan(name), limit: 4 << 20).flatMap {
            try? JSONDecoder().decode(EnginePlan.self, from: Data($0))
        }
    }

    /// Written where it changes only: on a full disk an engine can still be started anew.
    func writePlan() throws(Errno) {
        let bytes = JSON.bytes(plan)
        let path = context.state.plan(name)
        // It may hold what two hubs share as a secret.
        if File.bytes(path, limit: 4 << 20) != bytes { try File.replace(path, with: bytes, mode: 0o600) }
    }

    /// Follows another plan. Participants on ports that stay notice nothing. `done` gets the reason where the engine does not
    /// follow it yet, else nil.
    func apply(_ plan: EnginePlan, _ done: @escaping (String?) -> Void) {
        self.plan = plan
        handPlan(done)
    }

    func handPlan(_ done: @escaping (String?) -> Void = { _ in }) {
        for (number, announcer) in announcers where !plan.ports.contains(where: { $0.port == number }) {
            announcers[number] = nil
            draining.append(announcer)
            announcer.process.stop()
        }
        do throws(Errno) {
            try writePlan()
        } catch {
            context.note(
                .reloadFailed, severity: .error, engine: name, "The engine's plan cannot be written: \(error)")
            return done("The engine's plan cannot be written: \(error)")
        }
        // An engine that does not run reads the plan when it starts.
        guard process.service.pid != nil else { return done(nil) }
        ask(.init(.reload)) { [weak self] reply in
            defer { done(reply == nil ? "The engine does not answer." : reply?.error) }
            if let self, let error = reply?.error {
                context.note(
                    .reloadFailed, severity: .error, engine: name, "The engine refuses its plan: \(error)")
            }
            self?.requestStatus()
        }
    }
}
