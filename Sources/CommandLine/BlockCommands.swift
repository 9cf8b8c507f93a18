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
        if let named = options.room {
            room = named
        } else {
            guard let rooms = client.get("/api/v1/rooms", as: API.Rooms.self)?.rooms else { return client.complain() }
            guard rooms.count == 1 else {
                Output.complain("\(word): there are several rooms: say which with --room NAME")
                return .misuse
            }
            room = rooms[0].name
        }
        let (from, to) = (Client.encoded(options.operands[0]), Client.encoded(options.operands[1]))
        let path = "/api/v1/rooms/\(Client.encoded(room))/blocks?from=\(from)&to=\(to)"
        guard let answer = send(client, path) else { return client.complain() }
        return ReloadCommand.show(answer)
    }
}
