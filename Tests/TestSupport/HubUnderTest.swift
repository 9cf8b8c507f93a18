import Foundation
import Glibc
package import Linux

/// A whole hub in a state directory of its own: the built `midihub` with rtpmidid, double or real. Everything that it
/// starts is ended by `close()`, or when the last reference goes, also what the hub left behind.
package final class HubUnderTest {
    package let directory = TemporaryDirectory()
    /// The UDP control ports, one rtpmidid each.
    package let ports: [UInt16]
    package let web: Sockets.Address
    private let originals: [String]
    private let midihub: String
    private let rtpmidid: String
    private let options: [String]
    private let environment: [String: String]
    private var running: Program?

    package var state: String { directory.file("state") }

    /// Prepares, starts nothing. `configuration` is written to `midihub.json5` and given instead of `--port`; `options`
    /// come last. `ownPrograms`: `midihub` and `rtpmidid` are copies of its own, which `upgrade()` can replace.
    package init(
        ports: [UInt16] = [freeUDPPortPair()], configuration: String? = nil, options: [String] = [],
        environment: [String: String] = [:], ownPrograms: Bool = false
    ) throws {
        self.ports = ports
        self.environment = environment
        web = Sockets.Address(host: "127.0.0.1", port: freeTCPPort())
        originals = [try builtProduct("midihub"), try Rtpmidid.path()]
        midihub = ownPrograms ? directory.file("midihub") : originals[0]
        rtpmidid = ownPrograms ? directory.file("rtpmidid") : originals[1]
        if let configuration {
            directory.write("midihub.json5", configuration)
            self.options = ["--config", directory.file("midihub.json5")] + options
        } else {
            self.options = ports.flatMap { ["--port", "\($0)"] } + options
        }
        if ownPrograms { try upgrade() }
    }

    /// Renames fresh copies over both programs, as a package's upgrade does: who runs one goes on with the old file.
    package func upgrade() throws {
        for (original, program) in zip(originals, [midihub, rtpmidid]) {
            try File.replace(program, with: contents(of: original), mode: 0o755)
        }
    }

    deinit { close() }

    // MARK: Starting and ending

    /// `midihub run`, as our child, until the page answers.
    package func run() throws {
        running = try Program(midihub, hubArguments("run"), environment: environment, in: directory, name: "run")
        try waitForPage()
    }

    /// `midihub start`, until the page answers.
    @discardableResult
    package func start() throws -> Program.Finished {
        let finished = try command("start")
        guard finished.code == 0 else { throw WaitedInVain(description: "midihub start: \(finished)") }
        try waitForPage()
        return finished
    }

    private func waitForPage() throws {
        try eventually("the hub's page", seen: (self.running?.output ?? "") + (self.running?.error ?? "")) {
            if let exit = running?.exit {
                throw WaitedInVain(description: "midihub run ended: \(exit)\n\(running?.error ?? "")")
            }
            return (try? get("/healthz")) != nil
        }
    }

    /// The hub of `run` has ended by itself or by `midihub stop`: how.
    package func finishRun() throws -> Program.Finished {
        guard let running else { throw WaitedInVain(description: "midihub run was never called") }
        defer { self.running = nil }
        return try running.finish()
    }

    /// Ends the hub, not its engines, as `kill -9` would.
    package func kill9() throws {
        let pid = try self.pid()
        Glibc.kill(pid, SIGKILL)
        // To the last of its threads, and until it is a zombie: its program is gone from /proc before the kernel has closed
        // what it had open. An rtpmidid that plays to a sequencer client on its way out is told of an error and throws
        // away what it has not read yet.
        try eventually("the end of the hub") {
            let fields = text(of: "/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ")
            return fields?.first.map { $0 == "Z" && names(in: "/proc/\(pid)/task").count <= 1 } ?? true
        }
        running = nil
    }

    /// The hub's process: our child, or what `status --json` says.
    package func pid() throws -> Int32 {
        if let running, running.exit == nil { return running.pid }
        let status = try JSONSerialization.jsonObject(with: Data(command("status", "--json").output.utf8))
        guard let pid = (status as? [String: Any])?["pid"] as? Int else {
            throw WaitedInVain(description: "the hub's pid in \(status)")
        }
        return Int32(pid)
    }

    // MARK: Asking

    /// Any subcommand on this state directory, to its end. `run`, `start` and `demo` also get the hub's options.
    package func command(_ arguments: String..., within limit: Duration = .seconds(60)) throws -> Program.Finished {
        try launch(arguments[0], Array(arguments.dropFirst())).finish(within: limit)
    }

    /// The same, without waiting for its end.
    package func launch(_ name: String, _ arguments: [String] = []) throws -> Program {
        try Program(midihub, hubArguments(name) + arguments, environment: environment, in: directory, name: name)
    }

    /// The words of a subcommand, the program's path first.
    package func commandLine(_ name: String) throws -> [String] { [midihub] + hubArguments(name) }

    package func get(_ path: String, headers: [String: String] = [:]) throws -> HTTPAnswer {
        try http("GET", path, at: web, headers: headers)
    }

    /// With the hub's own token, which shows addresses and SSRCs.
    package func ownersView(_ path: String) throws -> HTTPAnswer { try order("GET", path) }

    /// Requests with the hub's own token.
    package func post(_ path: String, body: [UInt8] = []) throws -> HTTPAnswer { try order("POST", path, body) }
    package func delete(_ path: String) throws -> HTTPAnswer { try order("DELETE", path) }

    private func order(_ method: String, _ path: String, _ body: [UInt8] = []) throws -> HTTPAnswer {
        let token = text(of: "\(state)/token").trimmingCharacters(in: .whitespacesAndNewlines)
        return try http(method, path, at: web, headers: ["Authorization": "Bearer \(token)"], body: body)
    }

    /// A participant who has not joined yet, of the kind that goes with the rtpmidid in use.
    package func player(_ name: String, port: UInt16? = nil) throws -> any Player {
        let port = port ?? ports[0]
        if Rtpmidid.isReal { return try RealPlayer(name, rtpmidid: rtpmidid, port: port) }
        return DoublePlayer(name, port: port, below: state)
    }

    /// The hand on the double at `port`, for what only a double can do.
    package func drive(port: UInt16? = nil) throws -> DoubleDrive {
        try DoubleDrive.find(port: port ?? ports[0], below: state)
    }

    private func hubArguments(_ command: String) -> [String] {
        let starts = ["run", "start", "demo"].contains(command)
        return [command, "--state", state]
            + (starts ? ["--listen", web.description, "--rtpmidid", rtpmidid] + options : [])
    }

    // MARK: Leaving nothing behind

    /// Ends the hub and its engines by SIGKILL, each verified to be ours first.
    package func close() {
        running = nil
        // Looked at again after the first round: a hub that was just dying may have started another engine.
        try? eventually("the end of all that the hub started") {
            for process in processes() { ProcessDescriptor(process)?.send(SIGKILL) }
            return processes().isEmpty
        }
    }

    /// Processes that name this directory on their command line, and those of the engines' records.
    package func processes() -> [ProcessIdentity] {
        let mark = Array(directory.path.utf8)
        var found: Set<ProcessIdentity> = []
        for pid in names(in: "/proc").compactMap({ Int32($0) }) where pid != getpid() {
            let line = contents(of: "/proc/\(pid)/cmdline")
            if line.indices.contains(where: { line[$0...].starts(with: mark) }), let process = ProcessIdentity(of: pid)
            {
                found.insert(process)
            }
        }
        for name in names(in: "\(state)/engines") where name.hasSuffix(".json") {
            let record = try? JSONSerialization.jsonObject(
                with: Data(contents(of: "\(state)/engines/\(name)")), options: .fragmentsAllowed)
            found.formUnion(identities(in: record as Any))
        }
        return found.filter(\.isRunning)
    }

    /// Every process identity in a record, wherever it stands.
    private func identities(in value: Any) -> [ProcessIdentity] {
        if let items = value as? [Any] { return items.flatMap { identities(in: $0) } }
        guard let object = value as? [String: Any] else { return [] }
        if let data = try? JSONSerialization.data(withJSONObject: object),
            let identity = try? JSONDecoder().decode(ProcessIdentity.self, from: data)
        {
            return [identity]
        }
        return object.values.flatMap { identities(in: $0) }
    }
}
