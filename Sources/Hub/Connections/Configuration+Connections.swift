package import Client
import Linux
import Rooms

extension Configuration {
    /// Most of any kind, in all rooms together.
    static let mostConnections = 64

    /// HOST or HOST:PORT of a peer. Its name goes to the system's name service and to rtpmidid.
    package static func host(_ text: String) throws(ConfigurationError) -> Initiator.Host {
        guard let host = Initiator.Host(text), host.name.utf8.count <= 253,
            host.name.utf8.allSatisfy({
                (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
            })
        else {
            throw ConfigurationError(
                "\"\(Output.safe(text))\" is no HOST or HOST:PORT such as studio.example.org:5004 or [2001:db8::7]:5004"
            )
        }
        return host
    }

    /// Why a room cannot invite it beside those that it invites already, in words that follow the peer; nil where it can.
    func refusal(of invitee: Invitee, in room: Room, beside others: [Invitee]) -> String? {
        if room.policy == .pair { return "room \(room.name) is a pair, whose two ports each have their own direction" }
        if isOwn(invitee.host, invitee.port) { return "\(invitee.to) is this hub itself" }
        if others.contains(where: { $0.name == invitee.name }) {
            return "room \(room.name) invites another as \(invitee.name) already: give it another name"
        }
        if others.contains(where: { $0.to == invitee.to }) { return "room \(room.name) invites \(invitee.to) already" }
        return nil
    }

    /// One of the hub's own ports at an address of this machine. What a name means is looked up by the engine, which knows
    /// itself.
    func isOwn(_ host: String, _ port: UInt16) -> Bool {
        guard ports.contains(where: { $0.port == port }) else { return false }
        guard let address = SocketAddress(host: host, port: port) else { return host.lowercased() == "localhost" }
        return isItself(address, own: SocketAddress.own())
    }

    /// `own`: the addresses of this machine, without ports.
    func isItself(_ address: SocketAddress, own: Set<SocketAddress>) -> Bool {
        guard ports.contains(where: { $0.port == address.port }) else { return false }
        return address.isLoopback || address.high | (address.low & 0xFFFF_FFFF) == 0
            || own.contains(address.with(port: 0))
    }

    /// `wrong` says it with the line of that entry, counted from 0.
    func checkConnections(_ wrong: (Int, String) -> ConfigurationError) throws(ConfigurationError) {
        guard connect.count <= Self.mostConnections else {
            throw wrong(Self.mostConnections, "there are more than \(Self.mostConnections)")
        }
        var known: [String: [Invitee]] = [:]
        for (index, one) in connect.enumerated() {
            let names = rooms.map { "\"\(Output.safe($0.name))\"" }.joined(separator: ", ")
            guard let room = room(of: one) else {
                guard let name = one.room else {
                    throw wrong(index, "\"room\" is missing: there are several, \(names)")
                }
                throw wrong(index, "there is no room \"\(Output.safe(name))\": there is \(names)")
            }
            let others = known[room.name] ?? []
            let invitee = Invitee(one.host, name: one.name, beside: others)
            if let text = refusal(of: invitee, in: room, beside: others) { throw wrong(index, Output.safe(text)) }
            known[room.name, default: []].append(invitee)
        }
    }

    private func room(of connection: ConfigurationConnection) -> Room? {
        guard let name = connection.room else { return rooms.count == 1 ? rooms[0] : nil }
        return rooms.first { $0.name == name }
    }

    /// Whom the configuration has a room invite.
    func invitees(of room: Room) -> [Invitee] {
        connect.filter { self.room(of: $0)?.name == room.name }
            .reduce(into: []) { $0.append(Invitee($1.host, name: $1.name, beside: $0)) }
    }
}
