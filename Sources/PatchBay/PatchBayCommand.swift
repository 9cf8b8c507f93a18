package import Rooms
package import Sequencer

/// What the hub tells the patch bay.
package enum PatchBayCommand: Sendable {
    /// All rooms and engines there are; replaces what was said before. Whoever is on an engine that is no longer among
    /// them is let go: what they held is released at those who heard them, and what they heard at them.
    case configure(rooms: [RoomSpec], engines: [EngineSpec])
    /// What a port turned out to be. Ports that are gone are ignored, as are marks that change nothing.
    case mark(PortID, MemberStatus)
    /// The forbidden wires of each room by its name; replaces what was said before.
    case blocks([String: Set<Block>])
    /// Silences a room, nil all rooms. `answer` is called once, on the patch bay's thread, after the last message.
    case panic(room: String?, answer: @Sendable (Silenced) -> Void)
    /// Sends note-offs for these notes on all 16 channels to one port.
    case notesOff(PortID, ClosedRange<UInt8>)
    /// Ends at those who hear a participant what it is thought to hold.
    case release(PortID)
    /// `answer` is called once, on the patch bay's thread, when nothing waits to be released any more.
    case afterReleases(answer: @Sendable () -> Void)
    /// What participants hold and have set is to be told: `PatchBayEvent.sounding`.
    case sounding
    /// Ends the patch bay. Wires stay: MIDI goes on without it.
    case stop
}

package struct RoomSpec: Hashable, Sendable {
    package let name: String
    package let policy: Policy
    /// What somebody plays also goes back to them.
    package let echoes: Bool
    package init(name: String, policy: Policy, echoes: Bool = false) {
        self.name = name
        self.policy = policy
        self.echoes = echoes
    }
}

/// A supervised engine, which is known by the process that opened its ALSA client.
package struct EngineSpec: Hashable, Sendable {
    package let name: String
    /// Kernel: the thread that opened the client, for rtpmidid its main thread, that is its process.
    package let pid: Int32
    package let room: String
    /// Which of the room's ports the engine serves, from 0.
    package let portIndex: Int
    /// ALSA port numbers that are no participants.
    package let servicePorts: Set<Int>
    /// Every port waits for its mark before it is wired.
    package let confirmFirst: Bool

    package init(
        name: String, pid: Int32, room: String, portIndex: Int, servicePorts: Set<Int>, confirmFirst: Bool = false
    ) {
        self.name = name
        self.pid = pid
        self.room = room
        self.portIndex = portIndex
        self.servicePorts = servicePorts
        self.confirmFirst = confirmFirst
    }
}

/// What a panic did.
package struct Silenced: Hashable, Sendable {
    /// How many participants' ports were sent to.
    package let ports: Int
    /// How many notes were known to sound.
    package let notes: Int
    package init(ports: Int, notes: Int) {
        self.ports = ports
        self.notes = notes
    }
}
