import Client
import EngineProtocol
import HTTP
import Hub
import Linux
import WebAPI

/// Peers that only listen and that a room invites.
enum ConnectCommands {
    static func connect(_ options: Options) -> ExitCode {
        guard options.operands.count == 1 else {
            Output.complain("connect: one peer is needed: HOST or HOST:PORT")
            return .misuse
        }
        let (peer, client) = (options.operands[0], options.client)
        let name = options.name.map { "&name=\(Client.encoded($0))" } ?? ""
        let route = isAnnounced(peer, client) ? "let-in?announced" : "connections?to"
        return give("connect", options, client, "\(route)=\(Client.encoded(peer))\(name)") { $0.post($1) }
    }

    /// It cannot be a host, or is none that is known here and the hub finds somebody of that name on its network. Who announces
    /// there is a stranger, who must not get what is meant for a host.
    private static func isAnnounced(_ peer: String, _ client: HubClient) -> Bool {
        guard let host = try? Configuration.host(peer) else { return !peer.contains(":") }
        if (try? SocketAddress.resolve(host.name, port: host.port)) != nil { return false }
        let offers = client.get("/api/v1/connections?limit=1", as: API.Connections.self)?.offers ?? []
        return offers.contains { $0.name == peer }
    }

    static func disconnect(_ options: Options) -> ExitCode {
        guard options.operands.count == 1 else {
            Output.complain("disconnect: one peer is needed: its name, or HOST:PORT (`midihub connections` lists them)")
            return .misuse
        }
        return give("disconnect", options, options.client, "connections?name=\(Client.encoded(options.operands[0]))") {
            $0.delete($1)
        }
    }

    private static func give(
        _ word: String, _ options: Options, _ client: HubClient, _ route: String,
        _ send: (HubClient, String) -> HubClient.Answer?
    ) -> ExitCode {
        let room: String
        switch client.room(options, for: word) {
        case .room(let name): room = name
        case .failed(let code): return code
        }
        let path = "/api/v1/rooms/\(Client.encoded(room))/\(route)"
        return send(client, path).map(ReloadCommand.show) ?? client.complain()
    }

    static func list(_ options: Options) -> ExitCode {
        let client = options.client
        guard let list = client.get("/api/v1/connections", as: API.Connections.self) else { return client.complain() }
        if options.json {
            Output.line(JSON.text(list))
            return .well
        }
        if list.connections.isEmpty { Output.line("Nobody is invited.") } else { show(list.connections) }
        if let offers = list.offers, !offers.isEmpty {
            let names = offers.map { one in
                ShownName.shown(one.name) + (one.room.map { _ in " (another hub)" } ?? "")
            }
            Output.line("On the network, not let in: \(names.map(Output.safe).joined(separator: ", "))")
        }
        return .well
    }

    private static func show(_ connections: [Snapshot.Connection]) {
        Output.line("ROOM".padding(to: 16) + "STATE".padding(to: 13) + "NAME")
        for one in connections {
            let place = one.to.map { $0 == one.name ? "" : " at \(Output.safe($0))" } ?? ""
            Output.line(
                TextColumns.column(one.room, 15) + " " + one.state.rawValue.padding(to: 13)
                    + TextColumns.fit(ShownName.shown(one.name), 64) + place
                    + (one.reason.map { "  (\(Output.safe($0)))" } ?? "")
                    + (one.discovered.map { _ in "  (by discover)" } ?? ""))
        }
    }
}
