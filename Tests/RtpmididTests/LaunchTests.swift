import Rtpmidid
import Testing

@Suite struct RtpmididLaunchTests {
    private func launch(
        _ version: RtpmididVersion, name: String = "Studio Berlin", engine: String = "room-5004", port: UInt16 = 5004,
        control: String = "/run/midihub/engines/5004.sock", ini: String = "/run/midihub/engines/5004.ini",
        alsa: String = "midihub-5004", stdbuf: String? = "/usr/libexec/coreutils/libstdbuf.so"
    ) throws -> RtpmididLaunch {
        try RtpmididLaunch(
            version: version, engineName: engine, displayName: name, port: port, controlPath: control, iniPath: ini,
            alsaClientName: alsa, stdbufLibrary: stdbuf)
    }

    @Test func `26_01 gets an ini for a hub that announces and nothing else`() throws {
        let launch = try launch(.v26_01)
        #expect(
            launch.ini == """
                # Written by midihub at every start of its engine room-5004. Changes are lost.
                [general]
                alsa_name=midihub-5004
                control=/run/midihub/engines/5004.sock
                log_level=info

                [rtpmidi_announce]
                name=Studio Berlin
                port=5004

                [rtpmidi_discover]
                enabled=false

                [alsa_hw_auto_export]
                type=none

                """)
        #expect(launch.arguments == ["--ini", "/run/midihub/engines/5004.ini"])
        #expect(launch.environment == ["RES_OPTIONS": "attempts:0", "SYSTEMD_NSS_RESOLVE_NETWORK": "0"])
        #expect(launch.warnings.isEmpty)
    }

    @Test func `24_12 knows no level and 23_12 no section that it would abort on`() throws {
        let newer = try #require(try launch(.v24_12).ini)
        #expect(!newer.contains("log_level") && newer.contains("[rtpmidi_discover]\nenabled=false"))
        let older = try #require(try launch(.v23_12).ini)
        #expect(!older.contains("log_level") && !older.contains("discover") && !older.contains("export"))
        #expect(older.contains("[rtpmidi_announce]\nname=Studio Berlin\nport=5004\n"))
        for ini in [newer, older] { #expect(!ini.contains("alsa_announce") && !ini.contains("connect_to")) }
    }

    @Test(arguments: [RtpmididVersion.v21_07, .v21_11, .v23_10])
    func `old versions get options and a line-buffered output`(version: RtpmididVersion) throws {
        let launch = try launch(version)
        #expect(launch.ini == nil)
        #expect(
            launch.arguments == [
                "--name", "Studio Berlin", "--port", "5004", "--control", "/run/midihub/engines/5004.sock",
            ])
        #expect(launch.environment["_STDBUF_O"] == "L")
        #expect(launch.environment["LD_PRELOAD"] == "/usr/libexec/coreutils/libstdbuf.so")
        #expect(launch.environment["RES_OPTIONS"] == "attempts:0")
        #expect(launch.alsaClientName == "rtpmidi Studio Berlin")
        let without = try self.launch(version, stdbuf: nil)
        #expect(without.environment["LD_PRELOAD"] == nil && without.warnings.contains { $0.contains("libstdbuf") })
    }

    @Test(arguments: [
        ("Room #3", "Room _3"), ("  spaced  name ", "spaced  name"), ("a\nport=1", "a port=1"),
        ("{{hostname}}", "{ {hostname}}"),
        ("{{{x", "{ { {x"), ("a\u{0}b\u{1b}[31m", "a b [31m"), ("tab\tcr\r\nend", "tab cr  end"),
        ("\u{2028}x\u{85}y", "x y"),
        ("Zoë 🎹", "Zoë 🎹"), ("#", "_"),
    ])
    func `a display name is made harmless`(name: String, expected: String) throws {
        let launch = try launch(.v26_01, name: name)
        #expect(launch.displayName == expected)
        #expect(try #require(launch.ini).contains("\nname=\(expected)\n"))
    }

    @Test(arguments: ["", " ", "\n\n", "\u{0}"])
    func `an empty display name becomes the engine's name`(name: String) throws {
        #expect(try launch(.v26_01, name: name).displayName == "room-5004")
        #expect(try launch(.v26_01, name: name, engine: name).displayName == "midihub")
        #expect(try launch(.v26_01, alsa: name).alsaClientName == "midihub-5004")
    }

    @Test(arguments: ["x", "é", "🎹", "👩‍👩‍👧‍👦", "e\u{301}", "한", " ", "#"], 0..<4)
    func `long names are cut below the limits at the end of a character`(unit: String, shift: Int) throws {
        let name = String(repeating: "a", count: shift) + String(repeating: unit, count: 200)
        let launch = try launch(.v26_01, name: name, alsa: name)
        #expect(1...99 ~= launch.displayName.utf8.count && 1...63 ~= launch.alsaClientName.utf8.count)
        let clean = RtpmididLaunch.harmless(name, longest: .max) ?? "room-5004"
        #expect(clean.hasPrefix(launch.displayName) || launch.displayName == "room-5004")
        #expect(try self.launch(.v23_10, name: name).alsaClientName.utf8.count <= 63)
    }

    @Test func `a single character longer than the limit is cut between code points`() throws {
        let zalgo = "a" + String(repeating: "\u{301}", count: 200)
        let name = try launch(.v26_01, name: zalgo).displayName
        #expect(name.utf8.count == 99 && zalgo.unicodeScalars.starts(with: name.unicodeScalars))
    }

    @Test func `whatever the name, the ini keeps its lines`() throws {
        var random = SeededRandom(seed: 7)
        let letters: [Unicode.Scalar] = [
            "#", "\n", "\r", "{", "}", " ", "[", "]", "=", "a", "é", "🎹", "\u{0}", "\u{2029}", "\u{7f}",
        ]
        for _ in 0..<500 {
            var name = String.UnicodeScalarView()
            for _ in 0..<random.next(below: 120) { name.append(letters[random.next(below: letters.count)]) }
            let ini = try #require(
                try launch(.v26_01, name: String(name), engine: String(name), alsa: String(name)).ini)
            let lines = ini.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count == 16)
            #expect(lines.dropFirst().allSatisfy { !$0.contains("#") && !$0.contains("{{") && !$0.hasSuffix(" ") })
            #expect(ini.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
        }
    }

    @Test(arguments: [
        ("/" + String(repeating: "x", count: 100), "101 bytes"), ("relative.sock", "not absolute"),
        ("/run/a#b.sock", "#"),
        ("/run/{{x}}.sock", "{{"), ("/run/x.sock ", "blank"), ("/run/x\n.sock", "control character"),
        ("", "not absolute"),
    ])
    func `a control path that would not survive is refused in words`(path: String, word: String) throws {
        for version in RtpmididVersion.known {
            let refusal = #expect(throws: RtpmididLaunch.Refusal.self) { try launch(version, control: path) }
            #expect(refusal?.description.contains(word) == true)
        }
        _ = try launch(.v26_01, control: "/" + String(repeating: "x", count: 99))
    }

    @Test(arguments: [UInt16(0), 65535])
    func `a port without a next one is refused`(port: UInt16) {
        #expect(throws: RtpmididLaunch.Refusal.self) { try launch(.v26_01, port: port) }
    }
}

/// SplitMix64, so that a failure can be repeated.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func next(below limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
