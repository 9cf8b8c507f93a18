import HTTP
import Hub
import WebAPI

/// Who no longer hears whom in a room, by names.
enum BlockCommands {
    static func block(_ options: Options) -> ExitCode { give("block", options) { $0.post($1) } }
    static func unblock(_ options: Options) -> ExitCode { give("unblock", options) { $0.delete($1) } }

    private static func give(
        _ word: String, _ options: Options, _ send: (HubClient, String) -> HubClient.Answer?
    ) -> ExitCode {
        guard options.operands.count == 2 else {
            Output.complain("\(word): two names are needed: who plays, and who hears it")
            return .misuse
        }
        let client = options.client
        let room: String
        switch client.room(options, for: word) {
        case .room(let name): room = name
        case .failed(let code): return code
        }
        let (from, to) = (Client.encoded(options.operands[0]), Client.encoded(options.operands[1]))
        let path = "/api/v1/rooms/\(Client.encoded(room))/blocks?from=\(from)&to=\(to)"
        guard let answer = send(client, path) else { return client.complain() }
        return ReloadCommand.show(answer)
    }
}

/// The room that a command is about, or what the command ends with.
enum RoomChoice {
    case room(String)
    case failed(ExitCode)
}

extension HubClient {
    /// The room that a command is about: the one of `--room`, else the only one of those that can be meant. `none`: what is
    /// said where there is none of these.
    func room(
        _ options: Options, for word: String, none: String? = nil,
        where isMeant: (Snapshot.Room) -> Bool = { _ in true }
    ) -> RoomChoice {
        if let named = options.room { return .room(named) }
        guard let rooms = get("/api/v1/rooms", as: API.Rooms.self)?.rooms else { return .failed(complain()) }
        let meant = rooms.filter(isMeant)
        if let only = meant.count == 1 ? meant.first : rooms.count == 1 ? rooms.first : nil {
            return .room(only.name)
        }
        let several = "there are several rooms: say which with --room NAME"
        Output.complain("\(word): \(meant.isEmpty ? none ?? several : several)")
        return .failed(.misuse)
    }
}
