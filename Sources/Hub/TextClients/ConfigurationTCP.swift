import Linux
import Rooms

extension Configuration {
    /// A TCP port on which clients of the oldest hubs are members of a room.
    package struct TCP: Hashable, Sendable {
        package var port: UInt16
        /// Empty where none was named: that of the only room.
        package var room: String
        package init(port: UInt16, room: String = "") { (self.port, self.room) = (port, room) }
    }

    /// Where this process joins its own rooms.
    var ownAddress: String {
        guard let address, address != "::", address != "0.0.0.0" else { return "127.0.0.1" }
        return address
    }

    /// Whom an engine lets in: beside those in `allow` this machine, from where pianos, devices and TCP clients join, whose
    /// own addresses are looked at where they come in.
    var allowedByEngines: [AddressRange] {
        guard !allow.isEmpty, let own = AddressRange(ownAddress), !allow.contains(own) else { return allow }
        return allow + [own]
    }

    /// This machine's own address where `deny` keeps it out, from which devices and TCP clients join the rooms.
    var deniedOwnAddress: String? {
        let own = SocketAddress(host: ownAddress, port: 0)
        return own.flatMap { own in deny.contains { $0.contains(own) } ? own.host : nil }
    }

    package func room(of one: TCP) -> Room? {
        one.room.isEmpty ? rooms.count == 1 ? rooms[0] : nil : rooms.first { $0.name == one.room }
    }

    /// `wrong` makes an error of what is wrong, and how.
    func checkTCP(_ wrong: (String, String) -> ConfigurationError) throws(ConfigurationError) {
        var ports: Set<UInt16> = []
        for one in tcp {
            let what = "TCP port \(one.port)"
            guard ports.insert(one.port).inserted else { throw wrong(what, "is there twice") }
            guard let room = room(of: one) else {
                throw wrong(
                    what,
                    one.room.isEmpty
                        ? "names no room, of several, such as room: \"\(Output.safe(rooms[0].name))\""
                        : "there is no room \"\(Output.safe(one.room))\"")
            }
            guard room.policy == .auto || room.policy == .all else {
                throw wrong(
                    what,
                    "its clients send and hear, which nobody does in room \"\(Output.safe(room.name))\" (its policy is \(room.policy.rawValue))"
                )
            }
            if let own = deniedOwnAddress {
                throw wrong(what, "deny keeps this machine itself (\(own)) out, from where its clients join the room")
            }
        }
    }

    static let tcpSettings: [Setting<TCP>] = [
        Setting(
            key: "port", example: "8141", summary: "The TCP port, 8141 where none is given."
        ) { tcp, value throws(ConfigurationError) in
            tcp.port = UInt16(try value.whole(1...65535, "a port (1 to 65535)"))
        },
        Setting(
            key: "room", example: #""Main""#, summary: "Which room; needed where there are several."
        ) { tcp, value throws(ConfigurationError) in tcp.room = try value.text() },
    ]
}
