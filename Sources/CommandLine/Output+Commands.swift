import Glibc
package import Hub
import Linux
import Store
import Synchronization

/// What several commands say.
extension Output {
    /// A command whose output was lost has failed. A reader that has gone, as `head` does, is no failure: it has read
    /// what it wanted.
    package static func exitCode(after code: ExitCode) -> ExitCode {
        guard let error = failure.withLock({ $0 }), error.code != EPIPE else { return code }
        complain("the output cannot be written: \(error.reason)")
        return code == .well ? .unavailable : code
    }

    static func notRunning(_ state: StateDirectory) -> ExitCode {
        complain(HubLock.whyNoAnswer(state))
        return .no
    }

    static func strangeAnswer() -> ExitCode {
        complain("the hub's answer was not understood: is it another version?")
        return .bug
    }

    /// Why a hub cannot be run: with misuse where the configuration is wrong.
    static func fail(_ error: any Error) -> ExitCode {
        complain("\(error)")
        return error is ConfigurationError ? .misuse : .unavailable
    }

    static func database(_ state: StateDirectory) -> Database? {
        guard File.exists(state.database) else {
            complain("nothing was recorded in \(state.path) yet")
            return nil
        }
        do throws(StoreError) {
            return try Database(path: state.database)
        } catch {
            complain("\(state.database): \(StoreWriter.text(for: error))")
            return nil
        }
    }
}
