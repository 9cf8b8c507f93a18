import HubLink

/// One side of a link: what the engine has for an endpoint that is one of our own programs, in place of RTP streams.
final class EndpointLink {
    var session: LinkSession
    /// What it plays.
    var reader: OriginReader
    /// Events of ours that are for it alone: a panic, ends of notes.
    let own = EventWindow()
    /// What it has told of its paths.
    var report: LinkReport?
    /// What it asks for again: so many questions a second.
    var questions = TokenBucket(rate: 100, burst: 100)
    /// What it says of its instrument, which goes to everybody.
    var names = TokenBucket(rate: 2, burst: 10)

    init(_ reader: OriginReader, now: UInt64) { (self.reader, session) = (reader, LinkSession(now: now)) }
}
