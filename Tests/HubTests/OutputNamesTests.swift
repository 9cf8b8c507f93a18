import Client
import Engine
import Hub
import Testing

/// What people are shown of names that strangers choose.
@Suite struct OutputNamesTests {
    @Test(arguments: [
        ("Pia\u{200B}no", "Pia\\u{200b}no"), ("Pia\u{200D}no", "Pia\\u{200d}no"), ("\u{FEFF}Piano", "\\u{feff}Piano"),
        ("Piano\u{E0041}\u{E007F}", "Piano\\u{e0041}\\u{e007f}"), ("a\u{AD}b", "a\\u{ad}b"),
        ("a\u{2060}b", "a\\u{2060}b"), ("\u{3164}", "\\u{3164}"), ("\u{115F}\u{2800}", "\\u{115f}\\u{2800}"),
        ("\u{202E}gnp", "\\u{202e}gnp"), ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"), ("a\u{2028}b", "a\\u{2028}b"),
        ("\u{1B}[2J\n", "\\u{1b}[2J\\u{a}"), ("a\u{FE0F}b", "a\\u{fe0f}b"),
        ("日\u{200D}\u{200D}\u{200D}", "日\u{200D}\u{200D}\\u{200d}"), ("é\u{34F}", "é\\u{34f}"),
    ])
    func `what has no ink is shown by its number`(name: String, shown: String) {
        #expect(Output.safe(name) == shown)
        #expect(Output.safe(shown) == shown)
    }

    @Test(arguments: [
        "Ünïcødé 🎹", "👩\u{200D}🚀", "❤\u{FE0F}\u{200D}🔥", "1\u{FE0F}\u{20E3}", "می\u{200C}خواهم", "שלום\u{200F} עולם",
        "日本語", "क्\u{200D}ष", "a b", "é\u{301}",
    ])
    func `what scripts and emoji need stays`(name: String) { #expect(Output.safe(name) == name) }

    @Test(arguments: [
        "[Piano](https://evil.example/x)", "![x](http://evil.example/pixel.png)", "[Piano][1]", "https://evil.example",
        "evil.example", "www.evil.example/a", "<https://evil.example|Piano>", "mail@evil.example", "@everyone",
        "<!here>",
        "<@U123>",
    ])
    func `no name is a link, a picture or a call in a chat`(name: String) {
        let sent = Output.chat("\(name) was lost")
        for mark in ["](", "][", "://", "l.e", "w.e", "<", ">", "@e", "@U"] { #expect(!sent.contains(mark), "\(sent)") }
        #expect(
            sent.replacing("\u{200B}", with: "").replacing("&lt;", with: "<").replacing("&gt;", with: ">")
                == "\(name) was lost")
    }

    @Test func `figures and addresses are sent as they are`() {
        let text = "MIDI Hub: the round trip of Piano in room 5004 is 120.5 ms, over 100.0 ms: 192.0.2.7 (2001:db8::1)"
        #expect(Output.chat(text) == text)
    }
}
