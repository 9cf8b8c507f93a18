import Client
import Testing

@testable import CommandLine

@Suite struct JoinWordsTests {
    @Test func `a session that does not come about is told with its host and what may be looked at`() throws {
        let host = try #require(Initiator.Host("hub.example.org:5006"))
        #expect(
            Join.text(forFailure: "refused by MIDI Hub", host)
                == "hub.example.org:5006: refused by MIDI Hub (it is full, or lets nobody in from this address)")
        #expect(
            Join.text(forFailure: "192.0.2.7:5006: no answer", host)
                == "hub.example.org:5006: 192.0.2.7:5006: no answer (does a hub run there, and may UDP ports 5006 and 5007 pass its firewall?)"
        )
        #expect(
            Join.text(forFailure: "hub.example.org: Name or service not known", host)
                == "hub.example.org: Name or service not known")
    }
}
