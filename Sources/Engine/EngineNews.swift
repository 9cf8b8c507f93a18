package import Rooms

/// What an engine tells the thread that started it. None of it is on the path of a packet. Each names the participant in
/// full, so that whoever reads a line of the log needs no other.
package enum EngineNews: Sendable {
    case listening(port: UInt16)
    /// The others go on; it is tried again every second.
    case cannotListen(port: UInt16, reason: String)
    case joined(EngineStatus.Participant)
    case left(EngineStatus.Participant, reason: Leaving, released: Int)
    /// One finished clock exchange.
    case measured(EngineStatus.Participant)
    /// What was lost and mended since the last time, at most every few seconds.
    case losses(EngineStatus.Participant)
    /// Somebody was not let in; at most once a minute for one address, with how often since.
    case refused(address: String, name: String?, port: UInt16, reason: String, times: Int)
    /// Somebody was let in and did not get in; as seldom as a refusal.
    case halfOpen(address: String, name: String, port: UInt16, missing: Missing, times: Int)
    /// A participant who answered questions answers none any more; what it held has been released at those who heard it.
    case silent(EngineStatus.Participant, released: Int)
    /// Something came from it again.
    case back(EngineStatus.Participant)
    /// A participant's software sends back what it hears; it is no longer heard.
    case loop(EngineStatus.Participant)
    /// A participant's software sends back what the echo gives it; the echo is no longer given to it.
    case echoReturned(EngineStatus.Participant)
    case trouble(String)
    /// Everything has been said goodbye to; the thread ends.
    case ended
}

/// What somebody did not do who was let in.
package enum Missing: String, Codable, Sendable {
    /// Come to the data port as well.
    case data
    /// Answer the clock there.
    case clock
}

/// Why somebody is no longer there.
package enum Leaving: String, Codable, Sendable {
    case bye, silent, kicked, stopped, restarted
    case portClosed = "port closed"
    case full

    package var words: String {
        switch self {
        case .bye: "left"
        case .silent: "was lost: no sign of it for 60 s"
        case .kicked: "was sent away"
        case .stopped: "left: the engine was stopped"
        case .restarted: "came anew"
        case .portClosed: "left: its port was closed"
        case .full: "was sent away: the room is full"
        }
    }
}

/// What an engine is asked to do. Answers come on the engine's thread.
package enum EngineOrder: Sendable {
    case serve(EnginePlan)
    case status(@Sendable (EngineStatus) -> Void)
    /// Silences a room, or all of them; the answer is how many hearers and notes.
    /// `all`: every note of every channel, not only those known to sound.
    case panic(room: String?, all: Bool, @Sendable (_ hearers: Int, _ notes: Int) -> Void)
    /// Sends a participant note-offs for these notes on all channels; false where there is none of that id.
    case notesOff(id: UInt64, ClosedRange<UInt8>, @Sendable (Bool) -> Void)
    /// Ends at those who hear a participant what it is thought to hold; false where there is none of that id.
    case release(id: UInt64, @Sendable (Bool) -> Void)
    /// How many notes each participant has played so far, by id.
    case activity(@Sendable ([UInt64: UInt64]) -> Void)
    /// What each participant holds and has set, by id; of those who do.
    case sounding(@Sendable ([UInt64: Sounding]) -> Void)
    /// Sends a participant away; false where there is none of that id.
    case kick(id: UInt64, @Sendable (Bool) -> Void)
    /// Lets a participant be heard again that was cut for a feedback loop; false where there is none of that id.
    case unmute(id: UInt64, @Sendable (Bool) -> Void)
    /// Says BY to everyone and ends.
    case stop
}

/// How an engine is: its answer to `status`, as JSON on the control socket. Times are Unix milliseconds, durations
/// milliseconds.
package struct EngineStatus: Codable, Sendable {
    package struct Port: Codable, Sendable {
        package var port: UInt16
        package var room: String
        package var listening: Bool
        package var reason: String?
    }

    package struct RoundTrip: Codable, Equatable, Sendable {
        package var last: Double
        package var average: Double
        package var min: Double
        package var max: Double
        package var p95: Double
        package var jitter: Double
        package var samples: Int
    }

    /// Of packets that came from a participant.
    package struct Counts: Codable, Equatable, Sendable {
        package var received: UInt64 = 0
        package var lost: UInt64 = 0
        /// Messages that the journal brought after a loss.
        package var repaired: UInt64 = 0
        /// Late, or twice: dropped.
        package var dropped: UInt64 = 0
        /// Dropped for being more than the limits allow.
        package var limited: UInt64 = 0
        /// Malformed; an older engine counts them as dropped.
        package var unreadable: UInt64? = 0
    }

    package struct Participant: Codable, Sendable {
        package var id: UInt64
        package var name: String
        package var room: String
        package var port: UInt16
        package var address: String
        package var ssrc: UInt32
        package var since: Int64
        package var rtt: RoundTrip?
        package var counts = Counts()
        /// Milliseconds since anything came from it.
        package var silentFor: Int64 = 0
        /// It answered questions for the time, and has answered none of the last ones. An older engine does not tell.
        package var isSilent: Bool?
        /// Cut for sending back what it hears.
        package var loops = false
        /// Channel messages that came from it so far.
        package var messages: UInt64 = 0
        /// Packets were lost of which no journal tells, and a note sounds since before: it may hang.
        package var mayHaveLeftNotes: Bool?
    }

    package var version: String
    package var pid: Int32
    package var ports: [Port]
    package var participants: [Participant]
    /// Datagrams sent, and dropped because the kernel had no room.
    package var sent: UInt64
    package var unsent: UInt64
}
