import Client
import EngineProtocol
import Foundation
import Glibc
import HTTP
import Hub
import Linux
import WebAPI

extension Options {
    /// The named state directory, else the user's own; one without a hub gives way to the machine's.
    var stateDirectory: StateDirectory {
        let own = ownStateDirectory
        let machine = StateDirectory.machine
        guard state == nil, own != machine, !FileLock.isHeld(own.lock), File.exists(machine.path) else { return own }
        // A directory that this user may not enter is chosen all the same: whoever asks it will report that.
        let isClosed = access(machine.path, X_OK) != 0
        return isClosed || FileLock.isHeld(machine.lock) || !File.exists(own.path) ? machine : own
    }

    /// The state directory of a hub that is to be started: the named one, else this user's own.
    var ownStateDirectory: StateDirectory {
        guard let state else { return .standard(environment: Programs.environment, root: geteuid() == 0) }
        return StateDirectory(state.hasPrefix("/") ? state : "\(FileManager.default.currentDirectoryPath)/\(state)")
    }
}

enum RunCommand {
    static func run(_ options: Options) -> ExitCode {
        do {
            return try Hub.run(options.ownStateDirectory, options.configuration) { try WebServer($0) }
        } catch { return Output.fail(error) }
    }
}

enum ReloadCommand {
    static func run(_ options: Options) -> ExitCode {
        let client = options.client
        guard let answer = client.post("/api/v1/reload") else { return client.complain() }
        return show(answer)
    }

    /// Prints what the hub said it did, or why not.
    static func show(_ answer: HubClient.Answer) -> ExitCode {
        if answer.status == 200 || answer.status == 202 {
            let done = try? JSONDecoder().decode(API.Done.self, from: Data(answer.body))
            Output.line(Output.safe(done?.text ?? "Done."))
            return .well
        }
        Output.complain(Output.safe(HubClient.problem(in: answer)))
        return switch answer.status {
        case 400, 404: .misuse
        case 423: .no
        default: .unavailable
        }
    }
}

enum PanicCommand {
    static func run(_ options: Options) -> ExitCode {
        let client = options.client
        var path = "/api/v1/panic"
        if let room = options.room {
            path += "?room=" + Client.encoded(room)
        }
        guard let answer = client.post(path) else { return client.complain() }
        return ReloadCommand.show(answer)
    }
}

extension Options {
    /// nil where it cannot be used; the complaint has been printed then.
    var configurationOrComplaint: Configuration? {
        do throws(ConfigurationError) {
            return try configuration()
        } catch {
            Output.complain(error.description)
            return nil
        }
    }
}

enum DoctorCommand {
    /// The other one of two hubs, and the ways to it.
    private static func pair(_ pair: Snapshot.Failover, _ client: HubClient) -> [Doctor.Finding] {
        let partner = pair.partner.with.flatMap { Initiator.Host($0) }
        let reach = pair.partner.connected ? nil : partner.map { Doctor.reach($0) }
        let addresses = (client.participants() ?? []).compactMap { $0.address.flatMap { Sockets.Address($0)?.host } }
        return Doctor.pair(pair, reach: reach)
            + Doctor.oneSwitch(
                partner: partner.flatMap { Doctor.ownAddress(towards: $0.name) },
                players: Set(addresses).compactMap { Doctor.ownAddress(towards: $0) })
    }

    static func run(_ options: Options) -> ExitCode {
        guard let configuration = options.configurationOrComplaint else { return .misuse }
        let state = options.stateDirectory
        var ownPorts: Set<UInt16> = []
        var enginePIDs: Set<Int32> = []
        var putOff: [String] = []
        let runs = FileLock.isHeld(state.lock)
        if let bytes = HubClient(state).get("/api/v1/status"),
            let status = try? JSONDecoder().decode(API.Status.self, from: Data(bytes))
        {
            ownPorts = Set(status.engines.filter { $0.state == .up }.map(\.port))
            enginePIDs = Set(status.engines.filter { $0.kind == EngineKind.embedded.rawValue }.compactMap(\.pid))
            putOff = status.lock?.putOff ?? []
        }
        var findings = Doctor.examine(
            configuration, state: state, hubRuns: runs, ownPorts: ownPorts, enginePIDs: enginePIDs, putOff: putOff)
        if let pair = HubClient(state).get("/api/v1/failover", as: Snapshot.Failover.self) {
            findings += self.pair(pair, HubClient(state))
        }
        let isWell = findings.allSatisfy { $0.isWell || $0.isOptional }
        if options.json {
            struct Report: Encodable {
                struct Line: Encodable { var topic: String, ok: Bool, optional: Bool, words: String, fix: String? }
                var ok: Bool
                var findings: [Line]
            }
            let lines = findings.map {
                Report.Line(topic: $0.topic, ok: $0.isWell, optional: $0.isOptional, words: $0.text, fix: $0.fix)
            }
            Output.line(JSON.text(Report(ok: isWell, findings: lines)))
            return isWell ? .well : .no
        }
        for finding in findings {
            let mark = finding.isWell ? "ok     " : finding.isOptional ? "note   " : "MISSING"
            Output.line("\(mark)  \(finding.topic.padding(to: 16))\(Output.safe(finding.text))")
            if let fix = finding.fix { Output.line("         fix: \(fix)") }
        }
        Output.line(isWell ? "Everything that the hub needs is here." : "Something is missing: see the fixes above.")
        return isWell ? .well : .no
    }
}
