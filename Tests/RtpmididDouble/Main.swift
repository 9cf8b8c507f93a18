//  A test double of rtpmidid: an executable that honours the daemon's contract with whoever supervises it. Start here.
//
//  What it is: rtpmidid's options, ini file, log, control socket, ALSA client, UDP ports, exits and known bugs, as observed
//  in versions 26.01 and 24.12 (`RTPMIDID_DOUBLE_VERSION=24.12`). What it refuses to be: a speaker of RTP-MIDI. Its
//  participants are simulated, on the word of the test, which reaches it by one more socket (`DriveSocket.swift`).
//  Whether its log and `status` are like the real ones is tested against captures (DoubleTests).

import Glibc

@main struct Main {
    static func main() {
        // As the kernel's default for the real one: no helper that prints backtraces, whatever the environment says.
        for number in [SIGABRT, SIGSEGV, SIGILL, SIGTRAP] { signal(number, SIG_DFL) }
        let version = getenv("RTPMIDID_DOUBLE_VERSION").map { String(cString: $0) } ?? "26.01"
        var settings = Settings(version: version)
        do {
            try settings.parse(Array(CommandLine.arguments.dropFirst()))
            try Daemon(settings).run()
        } catch let error as UnknownArgument {
            Log().error("argv.cpp:251", "Unknown argument: \(error.argument). Try help with --help.")
            exit(1)
        } catch let error as Uncaught {
            write("terminate called after throwing an instance of '\(error.type)'\n  what():  \(error.what.bytes)\n")
            abort()
        } catch is Daemon.NoSequencerError {
            Log().error("main.cpp:162", "Error on setup: Can't open sequencer. Maybe user has no permissions.")
            exit(1)
        } catch {
            write("The double itself failed: \("\(error)")\n")
            exit(70)
        }
        exit(0)
    }

    private static func write(_ text: Text) { _ = Glibc.write(2, text.bytes, text.bytes.count) }
}
