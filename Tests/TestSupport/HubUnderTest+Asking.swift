import Foundation
import Linux

/// What tests ask a running hub, by its API.
extension HubUnderTest {
    /// A whole list, page after page.
    package func list(_ path: String, _ key: String) throws -> [[String: Any]] {
        var items: [[String: Any]] = []
        var cursor = ""
        while true {
            let answer = try get(path + cursor).object()
            items += answer[key] as? [[String: Any]] ?? []
            guard let next = answer["next"] as? String else { return items }
            cursor = "\(path.contains("?") ? "&" : "?")cursor=\(next)"
        }
    }

    package func participants() throws -> [[String: Any]] { try list("/api/v1/participants", "participants") }
    package func engines() throws -> [[String: Any]] { try list("/api/v1/status", "engines") }
    package func events(_ kind: String? = nil) throws -> [[String: Any]] {
        try list("/api/v1/events?limit=1000" + (kind.map { "&kind=\($0)" } ?? ""), "events")
    }
    package func texts(_ kind: String? = nil) throws -> [String] {
        try events(kind).compactMap { $0["text"] as? String }
    }

    /// Who hears whom, by name, as the API says.
    package func wires() throws -> Set<[String]> {
        Set(
            try list("/api/v1/wires", "wires").compactMap { wire in
                guard let from = wire["fromName"] as? String, let to = wire["toName"] as? String else { return nil }
                return [from, to]
            })
    }

    package func awaitWires(_ wanted: Set<[String]>) throws {
        try eventually(within: .seconds(60), "the wires \(wanted)", seen: "\((try? wires()) ?? [])") {
            try wires() == wanted
        }
    }

    /// Everybody hears everybody else.
    package func awaitMesh(_ players: [any Player]) throws {
        let names = players.map(\.name)
        try awaitWires(Set(names.flatMap { from in names.filter { $0 != from }.map { [from, $0] } }))
    }

    package func awaitEngines(up count: Int = 1) throws {
        try eventually(
            within: .seconds(60), "\(count) engines to be up", seen: (try? get("/api/v1/status").text) ?? "nothing"
        ) {
            try engines().count { $0["state"] as? String == "up" } == count
        }
    }

    package func enginePIDs() throws -> [Int] { try engines().compactMap { $0["pid"] as? Int } }

    package func awaitEvent(_ kind: String, containing parts: String...) throws {
        try eventually(within: .seconds(60), "an event \(kind) with \(parts)", seen: "\((try? texts()) ?? [])") {
            try texts(kind).contains { text in parts.allSatisfy(text.contains) }
        }
    }

    package func joined(_ names: String...) throws -> [any Player] {
        let players = try names.map { try player($0) }
        for player in players { try player.join() }
        try awaitMesh(players)
        return players
    }

    package var hubIsThere: Bool { FileLock.isHeld("\(state)/hub.lock") }
}
