/// A room as whatever carries MIDI is to serve it.
package struct RoomPlan: Codable, Hashable, Sendable {
    package var name: String
    /// What a player sees as the name of the other side; at most 24 octets reach every player whole.
    package var displayName: String
    package var policy: Policy
    /// UDP control ports; each one's data port is the next.
    package var ports: [UInt16]
    package var blocks: [Block]
    /// How many may be in the room.
    package var maximum: Int
    /// What somebody plays also goes back to them; nil is no.
    package var echoes: Bool?
    /// Who feeds back to the room's controllers; nil where it has none.
    package var focus: Focus?
    /// Controllers that are one.
    package var inputs: [Input]?
    /// Devices of the machine that carries it; nil is none.
    package var devices: [DevicePlan]?
    /// Whom the room invites; nil is nobody.
    package var invites: [Invitee]?
    /// Of two hubs: who is the same at both though nobody can see that; nil is nobody.
    package var pairings: [Pairing]?
    /// When blocks, focus, live controllers and pairings were chosen; nil where nobody has chosen any.
    package var stamp: Stamp?

    /// How many may be in a room unless something else is said.
    package static let usualMaximum = 250

    /// `displayName`: the room's name unless it is given.
    package init(
        name: String, displayName: String? = nil, policy: Policy, ports: [UInt16] = [], blocks: [Block] = [],
        maximum: Int = usualMaximum, echoes: Bool? = nil, focus: Focus? = nil, inputs: [Input]? = nil,
        devices: [DevicePlan]? = nil, invites: [Invitee]? = nil, pairings: [Pairing]? = nil, stamp: Stamp? = nil
    ) {
        (self.name, self.displayName, self.policy) = (name, displayName ?? name, policy)
        (self.ports, self.blocks, self.maximum, self.echoes) = (ports, blocks, maximum, echoes)
        (self.focus, self.inputs, self.devices, self.invites) = (focus, inputs, devices, invites)
        (self.pairings, self.stamp) = (pairings, stamp)
    }
}
