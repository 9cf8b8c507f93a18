import Glibc
import Linux
import MIDI
import RTPMIDI
import TestSupport
import Testing

@Suite struct DemoTests {
    @Test func `four players play, whoever joins hears them, and Ctrl-C ends it all with a goodbye`() throws {
        let hub = try HubUnderTest.embedded()
        let demo = try hub.launch("demo")
        try eventually("the page") { (try? hub.get("/healthz")) != nil }
        let listener = try hub.here("Listener")
        try pumping(listener, "the band", seen: "\((try? hub.participants()) ?? [])") {
            Set(try hub.participants().compactMap { $0["name"] as? String })
                == ["Drums", "Bass", "Piano", "Flute", "Listener"]
        }
        try pumping(listener, "notes of all four") {
            let channels = listener[0].heard.compactMap { message -> UInt8? in
                if case .noteOn(let channel, _, _) = message { channel.rawValue } else { nil }
            }
            return Set(channels) == [0, 1, 2, 9]
        }
        kill(demo.pid, SIGINT)
        try pumping(listener, "the goodbye") { listener[0].ended == .bye }
        #expect(try demo.finish(within: .seconds(30)).code == 0)
    }
}
