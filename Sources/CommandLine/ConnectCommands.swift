import EngineProtocol
import HTTP
import Hub
import WebAPI

/// Peers that only listen and that a room invites.
enum ConnectCommands {
    static func connect(_ options: Options) -> ExitCode {
        guard options.operands.count == 1 else {
            Output.complain("connect: one peer is needed: HOST or HOST:PORT")
            return .misuse
        }
        let name = options.name.map { "&name=\(Client.encoded($0))" } ?? ""
        return give("connect", options, "?to=\(Client.encoded(options.operands[0]))\(name)") { $0.post($1) }
    }

    static func disconnect(_ options: Options) -> ExitCode {
        guard options.operands.count == 1 else {
            Output.complain("disconnect: one peer is needed: its name, or HOST:PORT (`midihub connections` lists them)")
            return .misuse
        }
        return give("disconnect", options, "?name=\(Client.encoded(options.operands[0]))") { $0.delete($1) }
    }

    private static func give(
        _ word: String, _ options: Options, _ query: String, _ send: (HubClient, String) -> HubClient.Answer?
    ) -> ExitCode {
        let client = options.client
        let room: String
        switch client.room(options, for: word) {
        case .room(let name): room = name
        case .failed(let code): return code
        }
        let path = "/api/v1/rooms/\(Client.encoded(room))/connections\(query)"
        return send(client, path).map(ReloadCommand.show) ?? client.complain()
    }

    static func list(_ options: Options) -> ExitCode {
        let client = options.client
        guard let list = client.get("/api/v1/connections", as: API.Connections.self) else { return client.complain() }
        if options.json {
            Output.line(JSON.text(list))
            return .well
        }
        guard !list.connections.isEmpty else {
            Output.line("Nobody is invited.")
            return .well
        }
        Output.line("ROOM".padding(to: 16) + "STATE".padding(to: 13) + "NAME")
        for one in list.connections {
            let place = one.to.map { $0 == one.name ? "" : " at \(Output.safe($0))" } ?? ""
            Output.line(
                TextColumns.column(one.room, 15) + " " + one.state.rawValue.padding(to: 13)
                    + TextColumns.fit(ShownName.shown(one.name), 64) + place
                    + (one.reason.map { "  (\(Output.safe($0)))" } ?? ""))
        }
        return .well
    }
}
