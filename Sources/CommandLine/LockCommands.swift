import HTTP
import Hub
import Linux

/// The hub is locked for a show, and unlocked.
enum LockCommands {
    static func lock(_ options: Options) -> ExitCode {
        guard options.operands.count <= 1 else {
            Output.complain("lock: one name at most, of whoever locks it (in quotes where it has blanks)")
            return .misuse
        }
        let name = options.operands.first.map { "?by=" + Client.encoded($0) } ?? ""
        let client = options.client
        guard let answer = client.post("/api/v1/lock" + name) else { return client.complain() }
        return ReloadCommand.show(answer)
    }

    static func unlock(_ options: Options) -> ExitCode {
        let client = options.client
        guard let answer = client.delete("/api/v1/lock") else { return client.complain() }
        return ReloadCommand.show(answer)
    }

    /// What ends or replaces the hub that runs there, by a signal or not, asks for the lock first. True where it is refused,
    /// which has been said.
    static func refuse(_ what: String, _ state: StateDirectory, _ options: Options) -> Bool {
        guard !options.force, FileLock.isHeld(state.lock), let lock = ShowLock.load(state) else { return false }
        Output.complain(Output.safe(lock.refusal(of: what)))
        return true
    }

    /// Has a hub that is locked restart when it is unlocked; no where it is not locked, or does not run.
    static func restartAtUnlock(_ state: StateDirectory) -> ExitCode {
        guard FileLock.isHeld(state.lock), ShowLock.load(state) != nil else { return .no }
        let client = HubClient(state)
        guard let answer = client.post("/api/v1/lock/restart") else {
            _ = client.complain()
            return .unavailable
        }
        return answer.status == 409 ? .no : ReloadCommand.show(answer)
    }
}
