extension RtpmididVersion {
    package enum Configuration: Sendable { case commandLine, ini }

    /// From 23.12 on an ini file, before that options.
    package var configuration: Configuration { self < .v23_12 ? .commandLine : .ini }

    /// How each line of the log begins and ends.
    package var logFormat: LogFormat {
        if self < .v21_11 { return .timed }
        if self < .v23_12 { return .plain }
        return self < .v24_12 ? .blank : .levelled
    }

    /// Newer than every release that was tried.
    package var isUnknown: Bool { self > Self.newestKnown }

    /// ALSA ports of the daemon that are no participant: `Announcements` from 24.12 on, `Network` up to 23.10.
    package var servicePorts: Set<Int> { self == .v23_12 ? [] : [0] }

    /// Standard output into a file or pipe comes in blocks of 4096 bytes unless libstdbuf is loaded into it.
    package var needsLineBuffering: Bool { self < .v23_12 }

    package var hasLevelFilter: Bool { self >= .v26_01 }

    /// A port of the ALSA client may be something else than a participant (discovery cannot be switched off), so a
    /// port is patched only once a join line has named it.
    package var confirmFirst: Bool { self < .v24_12 }

    /// `status` tells who is connected. Before 23.12 its `connections` are always empty.
    package var statusListsParticipants: Bool { self >= .v23_12 }
    /// `status` tells each participant's ALSA port number.
    package var statusHasPorts: Bool { self >= .v24_12 }

    /// `router.remove` of the listener says BYE to everyone.
    package var saysBye: Bool { self >= .v24_12 }

    /// A participant that vanished is removed 60 s after its last clock sync.
    package var timesOut: Bool { self >= .v23_12 }

    /// The bugs of the listener's participant list: ghosts, duplicates and endless reconnect collisions.
    package var hasListBugs: Bool { self >= .v24_12 }

    /// `router.create` makes sessions that go out, which go without touching others.
    package var invites: Bool { self >= .v24_12 }

    /// Why it does not, in words for everybody; nil where it does.
    package var refusalToInvite: String? {
        invites ? nil : "rtpmidid \(self) cannot invite: that takes \(Self.v24_12) or newer"
    }

    /// Goes on without avahi or D-Bus; the others abort.
    package var survivesAvahi: Bool { self >= .v24_12 }

    /// A port in use does not stop it: only the `Listening` line tells.
    package var runsOnBadPorts: Bool { self >= .v24_12 }

    /// What people should know before they rely on this version. Empty where nothing is known against it.
    package var limits: [String] {
        var sentences: [String] = []
        if isUnknown {
            sentences.append(
                "rtpmidid \(self) is newer than this hub knows (\(Self.newestKnown)); it is treated like that one.")
        }
        if !timesOut {
            sentences.append("rtpmidid \(self) never notices a participant that vanished without saying goodbye.")
        }
        if !statusListsParticipants {
            sentences.append(
                "rtpmidid \(self) does not tell participants' addresses, and two of the same name cannot be told apart."
            )
        } else if !statusHasPorts {
            sentences.append(
                "rtpmidid \(self) does not tell which ALSA port belongs to which participant; the log has to.")
        }
        if confirmFirst {
            sentences.append(
                "rtpmidid \(self) joins its own ports to sessions it discovers; only ports named in its log are connected."
            )
        }
        if !saysBye { sentences.append("rtpmidid \(self) cannot say goodbye to its participants when it stops.") }
        if !survivesAvahi { sentences.append("rtpmidid \(self) ends when the avahi daemon is missing or restarted.") }
        if self < .v23_10 {
            sentences.append("rtpmidid \(self) measures latency by the wall clock; a clock step makes it wrong.")
        }
        return sentences
    }
}
