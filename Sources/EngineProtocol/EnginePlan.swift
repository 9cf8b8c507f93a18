//  Module EngineProtocol: what a hub and an engine process say to each other. Start here (what an engine is to serve), then
//  `EngineControl.swift` (requests and replies), `EngineStatus.swift` (how it is), `EngineLine.swift` (its log).
//
//  What it is: values that pass as JSON between two programs, which may be of different versions: a field that is added
//  later is optional. What it refuses to be: a socket, a file, or a part of either side. Ruled by EngineProtocol.docc.

package import Linux
package import Rooms

/// What an engine is to serve. The hub writes it as a file of JSON, the engine reads it at its start and on `reload`.
package struct EnginePlan: Codable, Equatable, Sendable {
    package var version = 1
    package var rooms: [RoomPlan]
    /// Only these addresses are let in; empty lets everybody in.
    package var allow: [AddressRange]
    /// These are kept out, whatever `allow` says.
    package var deny: [AddressRange]
    /// How many one address may be, in all rooms together; nil is `usualMaximumPerAddress`.
    package var maximumPerAddress: Int?
    /// Enough for a school behind one router.
    package static let usualMaximumPerAddress = 64
    /// Control ports of the hub that others of its processes serve; nil where there are none.
    package var portsElsewhere: [UInt16]?
    /// The one address to listen on; nil listens on all. Tests use it.
    package var host: String?
    /// The other hub of a pair; nil: there is none.
    package var failover: FailoverPlan?

    package init(
        rooms: [RoomPlan], allow: [AddressRange] = [], deny: [AddressRange] = [], maximumPerAddress: Int? = nil,
        host: String? = nil
    ) {
        (self.rooms, self.allow, self.deny) = (rooms, allow, deny)
        (self.maximumPerAddress, self.host) = (maximumPerAddress, host)
    }

    /// Every port with its room and its place among the room's ports.
    package var ports: [(port: UInt16, room: RoomPlan, index: Int)] {
        rooms.flatMap { room in room.ports.enumerated().map { ($1, room, $0) } }
    }

    /// What a plan may want that older engines do not know and leave out.
    package enum Ability: String, Codable, CaseIterable, Sendable { case focus, inputs, failover, choices, note }

    package var wants: Set<Ability> {
        var wants: Set<Ability> = []
        if rooms.contains(where: { $0.focus != nil }) { wants.insert(.focus) }
        if rooms.contains(where: { !($0.inputs ?? []).isEmpty }) { wants.insert(.inputs) }
        if failover != nil { wants.formUnion([.failover, .choices]) }
        if failover?.trigger != nil { wants.insert(.note) }
        return wants
    }

    /// Takes what is newer of what has been chosen elsewhere, by room. Gives the rooms' names.
    package mutating func take(_ choices: [String: RoomChoices]) -> Set<String> {
        var taken: Set<String> = []
        for index in rooms.indices {
            guard let newest = choices[rooms[index].name], newest.stamp?.isNewer(than: rooms[index].stamp) ?? false
            else { continue }
            rooms[index].choices = newest
            taken.insert(rooms[index].name)
        }
        return taken
    }

    /// What people have chosen, by room.
    package var choices: [String: RoomChoices] {
        Dictionary(rooms.filter { $0.stamp != nil }.map { ($0.name, $0.choices) }) { first, _ in first }
    }

    package func admits(_ address: SocketAddress) -> Bool {
        !deny.contains { $0.contains(address) } && (allow.isEmpty || allow.contains { $0.contains(address) })
    }

    package var mostPerAddress: Int { maximumPerAddress ?? Self.usualMaximumPerAddress }

    /// Whether one more participant of that name may come from an address; `names` are of those who are here from there. A
    /// name that is there once may come once more even where the address is full: it is returning, and its earlier session
    /// has not ended yet. This machine itself is not limited: relays to the hub, and its own pianos, come from there.
    package func admits(_ name: String, from source: SocketAddress, beside names: [String]) -> Bool {
        source.isLoopback || names.count < mostPerAddress || names.count { $0 == name } == 1
    }
}
