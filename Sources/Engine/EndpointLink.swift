import HubLink

/// One side of a link: what the engine has for an endpoint that is one of our own programs, in place of RTP streams.
final class EndpointLink {
    var session: LinkSession
    /// Events of ours that are for it alone: a panic, ends of notes.
    let own = EventWindow()
    /// What it has told of its paths.
    var report: LinkReport?
    /// What it asks for again: so many questions a second.
    var questions = TokenBucket(rate: 100, burst: 100)
    /// What it says of its instrument, which goes to everybody.
    var names = TokenBucket(rate: 2, burst: 10)

    init(now: UInt64) { session = LinkSession(now: now) }
}

/// What a member plays whose events come with numbers, of its own or of another hub's: by one path or by two.
final class NumberedInput {
    /// From the member itself, and from the other one of two hubs.
    static let (ownPath, partnersPath) = (0, 1)

    var reader: OriginReader
    init(_ reader: OriginReader) { self.reader = reader }
}
