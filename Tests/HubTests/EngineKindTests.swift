import Glibc
import Hub
import Linux
import TestSupport
import Testing

/// Which engine is chosen where rtpmidid cannot honour a setting.
@Suite struct EngineKindTests {
    private let directory = TemporaryDirectory()

    private static let settings = [
        ("allow: [\"192.0.2.0/24\"]", "allow"), ("deny: [\"192.0.2.66\"]", "deny"), ("maximum: 250", "maximum"),
        ("rooms: {A: {ports: [5004], maximum: 8}}", "maximum"), ("address: \"127.0.0.1\"", "address"),
        ("maximumPerAddress: 64", "maximumPerAddress"),
        ("deny: [\"::1\"], allow: [\"::2\"], address: \"::\"", "allow, deny and address"),
    ]

    @Test(arguments: settings)
    func `what only the embedded engine can do decides for it, also against the choice of an earlier start`(
        setting: String, key: String
    ) throws {
        let state = StateDirectory(directory.file("state"))
        try state.create()
        try File.replace(state.choice, with: Array("rtpmidid\n".utf8))
        let (kind, why) = EngineKind.choose(try Configuration(text: "{\(setting)}"), state)
        #expect(kind == .embedded)
        #expect(why == "rtpmidid cannot honour \(key)")
        #expect(File.text(state.choice) == "embedded\n")
    }

    @Test func `without such a setting the earlier choice stays`() throws {
        let state = StateDirectory(directory.file("state"))
        try state.create()
        try File.replace(state.choice, with: Array("rtpmidid\n".utf8))
        let (kind, _) = EngineKind.choose(try Configuration(text: "{deny: [], policy: \"all\"}"), state)
        #expect(kind == .rtpmidid)
    }

    @Test(arguments: settings)
    func `the doctor asks for no rtpmidid then, and says why`(setting: String, key: String) throws {
        let findings = Doctor.examine(
            try Configuration(text: "{\(setting)}"), state: StateDirectory(directory.file("state")), hubRuns: true,
            ownPorts: [5004])
        #expect(findings.first?.words == "carries the MIDI: rtpmidid cannot honour \(key)")
        #expect(!findings.contains { $0.topic == "rtpmidid" || $0.topic == "ALSA sequencer" })
    }
}
