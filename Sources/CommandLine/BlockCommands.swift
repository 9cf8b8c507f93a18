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
        return client.inRoom(options.room, for: word) { room in
            let (from, to) = (Client.encoded(options.operands[0]), Client.encoded(options.operands[1]))
            let path = "/api/v1/rooms/\(Client.encoded(room))/blocks?from=\(from)&to=\(to)"
            return send(client, path).map(ReloadCommand.show) ?? client.complain()
        }
    }
}

extension HubClient {
    /// Does something in the room that is named, or in the only one.
    func inRoom(_ named: String?, for word: String, _ work: (String) -> ExitCode) -> ExitCode {
        if let named { return work(named) }
        guard let rooms = get("/api/v1/rooms", as: API.Rooms.self)?.rooms else { return complain() }
        guard rooms.count == 1 else {
            Output.complain("\(word): there are several rooms: say which with --room NAME")
            return .misuse
        }
        return work(rooms[0].name)
    }
}
