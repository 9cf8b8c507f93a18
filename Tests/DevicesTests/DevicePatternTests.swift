import Devices
import Sequencer
import Testing

@Suite struct DevicePatternTests {
    private static func pattern(_ text: String) -> DevicePattern { DevicePattern(text)! }

    @Test(arguments: [
        ("APC40*", "APC40 mkII", true), ("apc40 MKII", "APC40 mkII", true), ("APC40", "APC40 mkII", false),
        ("*", "", true), ("?", "", false), ("*40*II", "APC40 mkII", true), ("*40*III", "APC40 mkII", false),
        ("APC?0*", "APC20", true), ("a*b*c", "aXbYbZc", true), ("a*b*c", "aXbYbZ", false), ("ä*", "Äolsharfe", true),
        ("**a", "a", true), ("a**", "a", true), ("*\u{1F941}", "drum \u{1F941}", true),
    ])
    func `a star is any text, a question mark one letter, and capitals do not count`(
        pattern: String, name: String, matches: Bool
    ) {
        #expect(Self.pattern(pattern).matches(name) == matches)
    }

    @Test(arguments: ["", String(repeating: "a", count: 129), "a\nb", "a\u{7F}"])
    func `what nobody can mean is no pattern`(text: String) {
        #expect(DevicePattern(text) == nil)
    }

    @Test func `a pattern made to take for ever does not`() {
        let pattern = Self.pattern(String(repeating: "a*", count: 60) + "b")
        let isFound = pattern.matches(String(repeating: "a", count: 5000))
        #expect(!isFound)
    }

    private static let apc = Device(address: .init(client: 24, port: 0), client: "APC40", port: "APC40 MIDI 1", card: 1)

    @Test(arguments: ["APC40", "apc40 midi 1", "APC40:APC40 MIDI 1", "APC40:*", "*MIDI ?"])
    func `the client's name, the port's or both are meant`(text: String) {
        #expect(Self.pattern(text).takes(Self.apc))
    }

    @Test func `equal ones are told apart by where they are plugged in`() {
        let one = Device(
            address: .init(client: 24, port: 0), client: "APC40", port: "APC40 MIDI 1", card: 1,
            place: "/sys/devices/pci0000:00/usb1/1-1/1-1.2/1-1.2:1.0")
        #expect(one.socket == "1-1.2")
        for text in ["APC40@1-1.2", "APC40", "apc*@*.2", "APC40:APC40 MIDI 1@1-1.2"] {
            #expect(Self.pattern(text).takes(one))
        }
        for text in ["APC40@1-1.3", "APC40@"] { #expect(!Self.pattern(text).takes(one)) }
        #expect(!Self.pattern("APC40@1-1.2").takes(Self.apc))
    }

    @Test func `what our own programs have made is never taken, not even by the controller's name that it bears`() {
        let clone = Device(
            address: .init(client: 130, port: 0), client: "APC40", port: "APC40 MIDI 1", exclusion: .ours)
        for text in ["*", "APC40", "APC40 MIDI 1", "APC40:APC40 MIDI 1"] { #expect(!Self.pattern(text).takes(clone)) }
    }

    @Test(arguments: [Device.Exclusion.kernel, .rtpmidid, .program])
    func `what is no instrument is taken by its name alone`(why: Device.Exclusion) {
        let port = Device(
            address: .init(client: 14, port: 0), client: "Midi Through", port: "Midi Through Port-0", exclusion: why)
        for text in ["*", "Midi*", "Midi Through:Midi Through Port-?"] { #expect(!Self.pattern(text).takes(port)) }
        for text in ["Midi Through", "midi through port-0", "Midi Through:Midi Through Port-0"] {
            #expect(Self.pattern(text).takes(port))
        }
    }

    private func exclusion(
        _ name: String, owner: Int32? = 100, card: Int? = nil, program: String? = "fluidsynth",
        _ kind: SequencerHandle.PortKind = []
    ) -> Device.Exclusion? {
        let client = SequencerHandle.ClientFacts(number: 24, name: Array(name.utf8), owner: owner, card: card)
        return .of(client, kind, program: program)
    }

    @Test func `a card's port is a device whatever it is called`() {
        #expect(exclusion("rtpmidid", owner: nil, card: 2, program: nil, .hardware) == nil)
        #expect(exclusion("Virtual Raw MIDI 1-0", owner: nil, card: 1, program: nil) == nil)
    }

    @Test func `the kernel's own ports, the hub's and rtpmidid's are none`() {
        #expect(exclusion("System", owner: nil, program: nil) == .kernel)
        #expect(exclusion("Midi Through", owner: nil, program: nil) == .kernel)
        #expect(exclusion("Piano", program: "midihub") == .ours)
        #expect(exclusion("Piano", program: "rtpmidid") == .rtpmidid)
        #expect(exclusion("rtpmidid", program: nil) == .rtpmidid)
    }

    @Test func `of programs those are devices that are instruments`() {
        #expect(exclusion("FLUID Synth (712)", [.application, .synthesizer]) == nil)
        #expect(exclusion("a keyboard on the screen") == nil)
        #expect(exclusion("a sequencer", [.application]) == .program)
    }
}
