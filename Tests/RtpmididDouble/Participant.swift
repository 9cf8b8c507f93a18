/// A simulated RTP-MIDI initiator: what a person's Mac or iPad would send, and what it has heard.
class Participant {
    let id: Int
    var name: [UInt8]
    var ssrc: UInt32
    /// Random per invitation in life; two with 0 collide (`collide`).
    var initiatorID: UInt32
    var address: String
    /// Its control port; MIDI goes to the next one.
    var port: Int
    /// It has vanished: it sends nothing any more, not even clock synchronisation.
    var silent = false
    /// MIDI that the daemon sent to it, since it was last asked for.
    var heard: [[UInt8]] = []
    /// BYE packets that the daemon sent to it.
    var byes = 0
    var packetsSent = UInt16.random(in: 0...UInt16.max)

    init(id: Int, name: [UInt8], ssrc: UInt32, initiatorID: UInt32, address: String, port: Int) {
        self.id = id
        self.name = name
        self.ssrc = ssrc
        self.initiatorID = initiatorID
        self.address = address
        self.port = port
    }

    /// MIDI that the daemon sends to it, and its BYE.
    func hear(_ bytes: [UInt8]) { heard.append(bytes) }
    func hearBye(_ port: SessionPort) {}
}

/// One of the two UDP ports of a session.
enum SessionPort: String {
    case control = "CONTROL_PORT"
    case midi = "MIDI_PORT"

    /// Its bit in a session's status.
    var bit: Int { self == .control ? 1 : 2 }
}
