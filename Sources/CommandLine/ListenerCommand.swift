import Hub
import PatchBay

/// `midihub listener`: see `ListenerProgram`.
enum ListenerCommand {
    static func run() -> ExitCode {
        guard ListenerProgram.run() else {
            Output.complain("listener: the hub starts it, on a sequencer that it has opened")
            return .misuse
        }
        return .well
    }
}
