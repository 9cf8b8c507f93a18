/// How to start one rtpmidid as a hub: it announces one port, discovers nobody, exports no hardware, and never looks up
/// an address while MIDI waits.
package struct RtpmididLaunch: Hashable, Sendable {
    /// What the ini file at `iniPath` must hold before the start; nil for versions without one.
    package let ini: String?
    package let arguments: [String]
    /// To be added to the daemon's environment.
    package let environment: [String: String]
    /// The name that participants see, without characters that rtpmidid's configuration gives a meaning.
    package let displayName: String
    /// The name by which ALSA knows the daemon's client.
    package let alsaClientName: String
    /// Sentences for people on what will not work as it should.
    package let warnings: [String]

    /// Why it cannot be started so, in words for people.
    package struct Refusal: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    /// The daemon cuts a longer path off in silence and listens somewhere else.
    package static let longestControlPath = 100
    /// With about 110 bytes every invitation fails.
    package static let longestDisplayName = 99
    package static let longestAlsaName = 63

    /// Where the line-buffering library of coreutils lies. Versions with `needsLineBuffering` want it.
    package static let stdbufLibraries = [
        "/usr/libexec/coreutils/libstdbuf.so", "/usr/lib/coreutils/libstdbuf.so", "/usr/lib64/coreutils/libstdbuf.so",
    ]

    /// - Parameters:
    ///   - engineName: what the hub calls this daemon; the display name falls back to it.
    ///   - port: the control port. The MIDI port is the next one.
    ///   - stdbufLibrary: the first of `stdbufLibraries` that exists.
    package init(
        version: RtpmididVersion, engineName: String, displayName: String, port: UInt16, controlPath: String,
        iniPath: String, alsaClientName: String, stdbufLibrary: String?
    ) throws(Refusal) {
        guard port > 0, port < UInt16.max else {
            throw Refusal(
                description: "port \(port) cannot be used: the MIDI port is the next one, so it must be 1 to 65534")
        }
        try Self.check(path: controlPath, called: "control socket's path")
        guard controlPath.utf8.count <= Self.longestControlPath else {
            throw Refusal(
                description: "the control socket's path has \(controlPath.utf8.count) bytes, and rtpmidid takes "
                    + "\(Self.longestControlPath): choose a shorter state directory (\(controlPath))")
        }
        let engine = Self.harmless(engineName, longest: Self.longestDisplayName) ?? "midihub"
        self.displayName = Self.harmless(displayName, longest: Self.longestDisplayName) ?? engine
        var environment = ["RES_OPTIONS": "attempts:0", "SYSTEMD_NSS_RESOLVE_NETWORK": "0"]
        var warnings = version.limits
        if version.needsLineBuffering {
            if let stdbufLibrary {
                environment["_STDBUF_O"] = "L"
                environment["LD_PRELOAD"] = stdbufLibrary
            } else {
                warnings.append(
                    "libstdbuf.so was not found: rtpmidid \(version) will log late, in blocks of 4096 bytes.")
            }
        }
        switch version.configuration {
        case .commandLine:
            ini = nil
            arguments = ["--name", self.displayName, "--port", String(port), "--control", controlPath]
            // The daemon makes it of its display name.
            self.alsaClientName = Self.cut("rtpmidi \(self.displayName)", to: Self.longestAlsaName)
        case .ini:
            try Self.check(path: iniPath, called: "ini file's path")
            self.alsaClientName = Self.harmless(alsaClientName, longest: Self.longestAlsaName) ?? "midihub-\(port)"
            ini = Self.ini(
                version: version, engine: engine, name: self.displayName, port: port, control: controlPath,
                alsa: self.alsaClientName)
            arguments = ["--ini", iniPath]
        }
        self.environment = environment
        self.warnings = warnings
    }

    private static func ini(
        version: RtpmididVersion, engine: String, name: String, port: UInt16, control: String, alsa: String
    ) -> String {
        var lines = [
            "# Written by midihub at every start of its engine \(engine). Changes are lost.",
            "[general]", "alsa_name=\(alsa)", "control=\(control)",
        ]
        // Without `info` no line about participants is written.
        if version.hasLevelFilter { lines.append("log_level=info") }
        lines += ["", "[rtpmidi_announce]", "name=\(name)", "port=\(port)"]
        // 23.12 aborts on sections that it does not know.
        if version >= .v24_12 {
            lines += ["", "[rtpmidi_discover]", "enabled=false", "", "[alsa_hw_auto_export]", "type=none"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A path goes into the ini and to the daemon as it is, so it must survive that.
    private static func check(path: String, called what: String) throws(Refusal) {
        let bad: String?
        if !path.hasPrefix("/") {
            bad = "is not absolute"
        } else if path.contains("#") {
            bad = "has a #, where rtpmidid's configuration begins a comment"
        } else if path.contains("{{") {
            bad = "has {{, which rtpmidid replaces"
        } else if path.hasSuffix(" ") {
            bad = "ends in a blank"
        } else if path.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            bad = "has a control character"
        } else {
            bad = nil
        }
        if let bad { throw Refusal(description: "the \(what) \(bad): \(path)") }
    }
}
