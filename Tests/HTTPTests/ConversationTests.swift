import HTTP
import Testing

/// A conversation and its time, moved by hand.
private final class Talk {
    var conversation: Conversation
    var now: ContinuousClock.Instant
    static let limits = Limits()

    init(limits: Limits = Talk.limits) {
        now = .now
        conversation = Conversation(limits: limits, peer: nil, viaSocket: true, at: now)
    }

    func say(_ text: String) {
        let now = now
        Array(text.utf8).withUnsafeBytes { conversation.received($0, at: now) }
    }

    /// Lets time pass; true where the deadline was met.
    func pass(_ duration: Duration) -> Bool {
        now = now.advanced(by: duration)
        guard conversation.deadline <= now else { return false }
        conversation.expired()
        return true
    }

    /// The next step in a word: "read", "answer /path", "send 200 close", …
    func step() -> String {
        switch conversation.next(at: now) {
        case .read: "read"
        case .answer(let request): "answer \(request.path)"
        case .send(.goOn): "send 100"
        case .send(.answer(let response, _, let persistence)): "send \(response.status.code) \(persistence)"
        case .wait: "wait"
        case .halfClose: "halfClose"
        case .stream: "stream"
        case .close: "close"
        }
    }

    func steps(_ count: Int) -> [String] {
        var steps: [String] = []
        for _ in 0..<count {
            steps.append(step())
            if steps.last?.hasPrefix("answer") == true { conversation.answered(.text("ok")) }
            if steps.last?.hasPrefix("send") == true { conversation.sent(at: now) }
        }
        return steps
    }
}

private let get = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"

struct ConversationTests {
    @Test func `requests are answered one after the other, and the connection is kept`() {
        let talk = Talk()
        #expect(talk.step() == "read")
        talk.say(get + get)
        #expect(talk.step() == "answer /1")
        #expect(talk.steps(2) == ["wait", "wait"])
        talk.conversation.answered(.text("ok"))
        #expect(talk.step() == "send 200 keepAlive")
        #expect(talk.step() == "wait")
        talk.conversation.sent(at: talk.now)
        #expect(talk.steps(3) == ["answer /1", "send 200 keepAlive", "read"])
    }

    @Test func `a peer is idle a while after it has come, and at once when it has its answer`() {
        let talk = Talk()
        #expect(talk.conversation.idleSince == talk.now.advanced(by: Conversation.grace))
        talk.say(get)
        #expect(talk.step() == "answer /1")
        #expect(talk.conversation.idleSince == nil)
        talk.conversation.answered(.text("ok"))
        #expect(talk.steps(1) == ["send 200 keepAlive"])
        #expect(talk.step() == "read")
        #expect(talk.conversation.idleSince == talk.now)
        talk.say("GET")
        #expect(talk.conversation.idleSince == nil)
    }

    @Test func `a bad request is answered, then the peer's rest is drained`() {
        let talk = Talk()
        talk.say("nonsense\r\n")
        #expect(talk.steps(3) == ["send 400 close", "halfClose", "read"])
        talk.say(get)
        #expect(talk.step() == "read")
        talk.conversation.ended()
        #expect(talk.step() == "close")
        #expect(talk.conversation.refusals == 1)
    }

    @Test func `draining has an end`() {
        let talk = Talk()
        talk.say("GET / HTTP/1.0\r\n\r\n")
        #expect(talk.steps(4) == ["answer /", "send 200 close", "halfClose", "read"])
        #expect(!talk.pass(Talk.limits.drainTime - .milliseconds(1)))
        #expect(talk.pass(.milliseconds(1)))
        #expect(talk.step() == "close")
    }

    @Test func `an idle connection is closed without a word`() {
        let talk = Talk()
        #expect(!talk.pass(.seconds(59)))
        talk.say(get)
        #expect(talk.steps(3) == ["answer /1", "send 200 keepAlive", "read"])
        #expect(!talk.pass(.seconds(59)))
        #expect(talk.pass(.seconds(1)))
        #expect(talk.step() == "close")
        #expect(talk.conversation.refusals == 0)
    }

    @Test func `a slow request is timed from its first byte, however often it sends another`() {
        let talk = Talk()
        #expect(!talk.pass(.seconds(30)))
        for byte in "GET / HTT" {
            talk.say(String(byte))
            #expect(talk.step() == "read")
            #expect(!talk.pass(.seconds(1)))
        }
        #expect(talk.pass(.seconds(1)))
        #expect(talk.steps(2) == ["send 408 close", "halfClose"])
    }

    @Test func `the body counts to the request's time, also after 100`() {
        let talk = Talk()
        talk.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        #expect(!talk.pass(.seconds(6)))
        #expect(talk.steps(2) == ["send 100", "read"])
        talk.say("a")
        #expect(!talk.pass(.seconds(3)))
        #expect(talk.pass(.seconds(1)))
        #expect(talk.step() == "send 408 close")
    }

    @Test func `a pipelined request that came in part is timed from the answer before it`() {
        let talk = Talk()
        talk.say(get + "GET")
        #expect(talk.steps(3) == ["answer /1", "send 200 keepAlive", "read"])
        #expect(!talk.pass(.seconds(9)))
        #expect(talk.pass(.seconds(1)))
        #expect(talk.step() == "send 408 close")
    }

    @Test func `a peer that takes nothing is closed, one that takes a little is not`() {
        let talk = Talk()
        talk.say(get)
        #expect(talk.step() == "answer /1")
        talk.conversation.answered(.text("ok"))
        #expect(talk.step() == "send 200 keepAlive")
        #expect(!talk.pass(.seconds(29)))
        talk.conversation.progressed(at: talk.now)
        #expect(!talk.pass(.seconds(29)))
        #expect(talk.pass(.seconds(1)))
        #expect(talk.step() == "close")
    }

    @Test func `a handler that thinks for ever is answered for, and its late answer changes nothing`() {
        let talk = Talk()
        talk.say(get)
        #expect(talk.step() == "answer /1")
        #expect(!talk.pass(.seconds(29)))
        #expect(talk.pass(.seconds(1)))
        talk.conversation.answered(.text("late"))
        #expect(talk.steps(2) == ["send 503 close", "halfClose"])
    }

    @Test func `a peer that ends its side is still answered`() {
        let talk = Talk()
        talk.say(get + get)
        talk.conversation.ended()
        #expect(talk.steps(5) == ["answer /1", "send 200 keepAlive", "answer /1", "send 200 keepAlive", "close"])
    }

    @Test func `a request that ends within is told so`() {
        let talk = Talk()
        talk.say("GET / HTTP/1.1\r\nHo")
        talk.conversation.ended()
        #expect(talk.steps(3) == ["send 400 close", "halfClose", "close"])
    }

    @Test func `stopping closes the idle, refuses the half-asked, and finishes what is asked`() {
        let idle = Talk()
        idle.conversation.stop()
        #expect(idle.step() == "close")

        let half = Talk()
        half.say("GET")
        half.conversation.stop()
        #expect(half.steps(2) == ["send 503 close", "halfClose"])

        let asked = Talk()
        asked.say(get + get)
        #expect(asked.step() == "answer /1")
        asked.conversation.stop()
        asked.conversation.answered(.text("ok"))
        #expect(asked.steps(2) == ["send 200 close", "halfClose"])
    }

    @Test func `beyond the limit a peer is told to come again`() {
        var conversation = Conversation(crowdedOut: Limits(), at: .now)
        guard case .send(.answer(let response, _, .close)) = conversation.next(at: .now) else {
            Issue.record("not told")
            return
        }
        #expect(response.status == .unavailable)
        #expect(response.headers["Retry-After"] == "5")
    }
}
