import Glibc
import Linux
import Rooms
import Rtpmidid
import Store
import Supervisor

extension RtpmididEngine {
    /// Before every start: what is missing is said in words, and otherwise the ini file is written anew.
    func prepare() throws(Service.Unfit) -> ChildProgram {
        let daemon = Doctor.daemon(context.configuration)
        for finding in [daemon, Doctor.sequencer(), Doctor.udpPair(port)] where !finding.isWell {
            run.fix = finding.fix
            throw Service.Unfit(finding.text)
        }
        let path = daemon.text
        let found = Self.askVersion(path)
        guard let found else {
            throw Service.Unfit("\(path) does not say which version of rtpmidid it is; is it rtpmidid?")
        }
        if version != found {
            version = found
            for limit in found.limits {
                context.note(.engineLimits, severity: .warning, room: room.name, engine: name, limit)
            }
        }
        do {
            let launch = try RtpmididLaunch(
                version: found, engineName: name, displayName: room.displayName, port: port,
                controlPath: context.state.control(name), iniPath: context.state.ini(name),
                alsaClientName: "midihub-\(port)",
                stdbufLibrary: RtpmididLaunch.stdbufLibraries.first(where: File.exists))
            // Written where it changes only: on a full disk a daemon can still be started anew.
            if let ini = launch.ini, File.bytes(context.state.ini(name)) != Array(ini.utf8) {
                try File.replace(context.state.ini(name), with: Array(ini.utf8), mode: 0o640)
            }
            try context.state.placeLog(name)
            openTail(at: nil)
            try tail?.endLine()
            runStart = tail.map { $0.position.offset + $0.lag } ?? 0
            (process.nextVersion, process.nextPort, process.nextLogStart) = (found.description, port, runStart)
            tracker = JoinTracker()
            tracker.ownNames = Set(calls.map { RawText($0.invitee.name) })
            book = LatencyCorrelator()
            reader = LogReader(at: reader.offset, format: found.logFormat)
            return ChildProgram(
                path: path, arguments: launch.arguments,
                environment: Self.inherited.merging(launch.environment) { _, ours in ours },
                output: context.state.log(name))
        } catch let error as Service.Unfit {
            throw error
        } catch {
            throw Service.Unfit("\(error)")
        }
    }

    /// The part of our environment that a daemon gets: no tokens, and nothing that changes its behaviour.
    private static var inherited: [String: String] {
        Programs.environment.filter { name, _ in
            ["PATH", "HOME", "LANG", "TZ", "XDG_RUNTIME_DIR", "DBUS_SYSTEM_BUS_ADDRESS", "LD_LIBRARY_PATH"].contains(
                name)
                || name.hasPrefix("RTPMIDID_") || name.hasPrefix("LC_")
        }.merging(["SWIFT_BACKTRACE": "enable=no"]) { _, ours in ours }
    }

    /// `--version` alone starts the daemon, with any value it tells (Rtpmidid.docc/Versions.md).
    private static func askVersion(_ path: String) -> RtpmididVersion? {
        let question = ChildProgram(path: path, arguments: ["--version", "x"], environment: inherited, output: nil)
        guard let (output, _) = try? question.run(limit: .seconds(5)) else { return nil }
        let text = String(decoding: output, as: UTF8.self)
        // A build from a source tree without tags says no number; it is most likely a new one.
        return RtpmididVersion(output: text)
            ?? (text.hasPrefix("rtpmidid version ") ? RtpmididVersion.newestKnown : nil)
    }
}
