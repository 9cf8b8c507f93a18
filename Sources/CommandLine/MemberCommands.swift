import Hub
import WebAPI

/// What is told of one participant, by its name or number.
enum MemberCommands {
    static func kick(_ options: Options) -> ExitCode { give("kick", options) }

    static func unmute(_ options: Options) -> ExitCode {
        give("unmute", options, of: "no participant %@ is muted") { $0.muted ?? false }
    }

    static func notesOff(_ options: Options) -> ExitCode {
        give("notes-off", options, query: "?from=\(options.from ?? 0)&to=\(options.to ?? 127)")
    }

    /// `missing`: the text for when there is nobody of that name, with %@ for the name.
    private static func give(
        _ word: String, _ options: Options, query: String = "", of missing: String = "there is no participant %@",
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
            Output.complain("\(word): \(missing.replacing("%@", with: Output.safe(name)))")
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
