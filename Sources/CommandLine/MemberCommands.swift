import Hub
import WebAPI

/// What is told of one participant, by its name or number.
enum MemberCommands {
    static func kick(_ options: Options) -> ExitCode { give("kick", options) }

    static func unmute(_ options: Options) -> ExitCode {
        give("unmute", options, missing: { "no participant \($0) is muted" }, where: { $0.muted ?? false })
    }

    static func notesOff(_ options: Options) -> ExitCode {
        give("notes-off", options, query: "?from=\(options.from ?? 0)&to=\(options.to ?? 127)")
    }

    /// `missing`: what is said where there is nobody of that name.
    private static func give(
        _ word: String, _ options: Options, query: String = "",
        missing: (String) -> String = { "there is no participant \($0)" },
        where isMeant: (Snapshot.Participant) -> Bool = { _ in true }
    ) -> ExitCode {
        guard options.operands.count == 1, let name = options.operands.first else {
            Output.complain("\(word): one participant is needed, by name or by number (`midihub participants --json`)")
            return .misuse
        }
        let client = options.client
        guard let participants = client.participants() else { return client.complain() }
        let found = participants.filter { isMeant($0) && ($0.name == name || "\($0.id)" == name) }
        guard !found.isEmpty else {
            Output.complain("\(word): \(missing(Output.safe(name)))")
            return .no
        }
        for one in found {
            guard let answer = client.post("/api/v1/participants/\(one.id)/\(word)\(query)") else {
                return client.complain()
            }
            let code = ReloadCommand.show(answer)
            guard code == .well else { return code }
        }
        return .well
    }
}
