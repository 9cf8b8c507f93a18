import Engine
import Hub

/// `midihub engine`: the embedded engine as a process of its own. Its log is its standard output.
enum EngineCommand {
    static func run(_ options: Options) -> ExitCode {
        guard let plan = options.plan, let control = options.control else {
            Output.complain("engine: --plan and --control are needed; the hub starts its engine itself (`midihub run`)")
            return .misuse
        }
        do {
            try EngineServer(plan: plan, control: control, sessions: options.sessions, version: Version.text).run()
            return .well
        } catch {
            Output.complain("engine: \(error)")
            return .unavailable
        }
    }
}
