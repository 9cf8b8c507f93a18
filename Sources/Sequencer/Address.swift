package import Rooms

/// A port of the ALSA sequencer, as `aconnect` writes it: client and port, 128:3.
package struct Address: Hashable, Sendable, CustomStringConvertible {
    package let client: UInt8
    package let port: UInt8

    package init(client: UInt8, port: UInt8) {
        self.client = client
        self.port = port
    }

    /// The kernel's own port that announces clients and ports.
    package static let announce = Address(client: 0, port: 1)

    package var description: String { "\(client):\(port)" }
}

/// A participant's port for as long as it is there: ALSA reuses numbers at once, so a count tells two holders apart.
package struct PortID: Hashable, Sendable, CustomStringConvertible {
    package let address: Address
    package let generation: UInt32

    package init(address: Address, generation: UInt32) {
        self.address = address
        self.generation = generation
    }

    /// Conversion to a member of a room, and back.
    package var member: MemberID {
        MemberID(UInt64(generation) << 16 | UInt64(address.client) << 8 | UInt64(address.port))
    }

    package init(_ member: MemberID) {
        let bits = member.rawValue
        address = Address(client: UInt8(truncatingIfNeeded: bits >> 8), port: UInt8(truncatingIfNeeded: bits))
        generation = UInt32(truncatingIfNeeded: bits >> 16)
    }

    package var description: String { "\(address)#\(generation)" }
}
