package import EngineProtocol
package import Linux
package import Rooms

/// What an engine tells the thread that started it. None of it is on the path of a packet. Each names the participant in
/// full, so that whoever reads a line of the log needs no other.
package enum EngineEvent: Sendable {
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
    /// A participant has played where nobody has the focus.
    case touched(EngineStatus.Participant)
    /// It goes otherwise than before with somebody whom a room invites.
    case call(EngineStatus.Call)
    /// It is otherwise than before between the two hubs of a pair: which of them speaks, or whether they hear each other.
    case pair(EngineStatus.Failover)
    /// A participant has played the note that is an order to switch two hubs; or the note that is to be one from now on.
    case triggered(EngineStatus.Participant)
    case learned(EngineStatus.Participant, NoteTrigger)
    case problem(String)
    /// A drill wants this process killed.
    case killed
    /// Everything has been said goodbye to; the thread ends.
    case ended
}

/// What an engine is asked to do. Answers come on the engine's thread.
package enum EngineLoopCommand: Sendable {
    case serve(EnginePlan)
    case status(@Sendable (EngineStatus) -> Void)
    /// Silences a room, or all of them; the answer is how many hearers and notes.
    /// `all`: every note of every channel, not only those known to sound.
    case panic(room: String?, all: Bool, @Sendable (_ hearers: Int, _ notes: Int) -> Void)
    /// How many notes each participant has played so far, by id.
    case activity(@Sendable ([UInt64: UInt64]) -> Void)
    /// What each participant holds and has set, by id; of those who do.
    case sounding(@Sendable ([UInt64: ActiveNotes]) -> Void)
    /// False where there is no participant of that id.
    case member(id: UInt64, MemberCommand, @Sendable (Bool) -> Void)
    /// The other one of two hubs is to speak; nil where that is on its way, else why not.
    case switchHubs(HubRole.Reason, @Sendable (String?) -> Void)
    /// The next note that is played is to be such an order.
    case learn(@Sendable () -> Void)
    /// A drill of two hubs begins; nil where that is so, else why not.
    case drill(DrillPlan, @Sendable (String?) -> Void)
    /// What the name of an invited peer's host means, as it was asked for.
    case resolved(host: String, Result<[SocketAddress], ResolveError>)
    /// Says BY to everyone and ends.
    case stop
}
