import Glibc
import Hub
import Linux
import TestSupport
import Testing

/// Which engine is chosen where rtpmidid cannot honour a setting.
@Suite struct EngineKindTests {
    private let directory = TemporaryDirectory()

    @Test(arguments: embeddedOnlySettings)
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

    @Test(arguments: embeddedOnlySettings)
    func `the doctor asks for no rtpmidid then, and says why`(setting: String, key: String) throws {
        let findings = Doctor.examine(
            try Configuration(text: "{\(setting)}"), state: StateDirectory(directory.file("state")), hubRuns: true,
            ownPorts: [5004])
        #expect(findings.first?.text == "carries the MIDI: rtpmidid cannot honour \(key)")
        #expect(!findings.contains { $0.topic == "rtpmidid" || $0.topic == "ALSA sequencer" })
    }
}
