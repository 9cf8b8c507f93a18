import Client
import Engine
import Glibc
import Hub
import Linux

/// `midihub demo`: a hub of its own with four players on it, until Ctrl-C.
enum DemoCommand {
    static func run(_ options: Options) -> ExitCode {
        var options = options
        removeLeftovers()
        let temporary = options.state == nil ? temporaryDirectory() : nil
        if let temporary { options.state = temporary }
        defer { if let temporary { StateDirectory(temporary).erase() } }
        do {
            options.isDemo = true
            if options.engine == nil { options.engine = .embedded }
            // A hub that runs here already keeps its ports.
            if options.ports.isEmpty, options.config == nil { options.ports = [try freePort()] }
            if options.listen == nil, options.config == nil { options.listen = try freePage() }
            let configuration = try options.configuration()
            guard let port = configuration.ports.first?.port else { throw HubError("there is no port to play on") }
            Output.line(
                "Four players will join port \(port) and play until you press Ctrl-C. Watch them on the page, or join them."
            )
            // The band's thread must not take the signals that end the hub.
            Signals.block([SIGTERM, SIGINT, SIGHUP, SIGUSR2])
            let band = try DemoBand(Initiator.Host(name: configuration.address ?? "127.0.0.1", port: port))
            let code = RunCommand.run(options)
            band.stop()
            return code
        } catch {
            Output.complain("\(error)")
            return .unavailable
        }
    }

    private static let prefix = "midihub-demo-"
    private static var parentDirectory: String {
        let named = Programs.environment["TMPDIR"] ?? ""
        return named.hasPrefix("/") ? named : "/tmp"
    }

    /// What demos of ours that were killed have left: their directories, and their engines, which play on. The number in a
    /// directory's name is of the process that made it.
    private static func removeLeftovers() {
        for name in File.names(in: parentDirectory) where name.hasPrefix(prefix) {
            let path = "\(parentDirectory)/\(name)"
            guard let pid = name.dropFirst(prefix.count).split(separator: "-").first.flatMap({ Int32($0) }),
                ProcessIdentity(of: pid) == nil, Owner.ofLink(path) == geteuid(), Owner.of(path)?.user == geteuid()
            else { continue }
            let state = StateDirectory(path)
            guard let lock = try? FileLock(state.lock) else { continue }
            if (try? OrphanedEngines.end(state)) == .well { state.erase() }
            _ = consume lock
        }
    }

    private static func temporaryDirectory() -> String? {
        var template = Array("\(parentDirectory)/\(prefix)\(getpid())-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func freePort() throws -> UInt16 {
        guard let port = stride(from: UInt16(5004), to: 5104, by: 2).first(where: { Doctor.udpPair($0).isWell }) else {
            throw HubError("all UDP ports from 5004 to 5103 are taken; name others with --port N")
        }
        return port
    }

    private static func freePage() throws -> Sockets.Address {
        for port in UInt16(8080)...8099 {
            let address = Sockets.Address(host: "127.0.0.1", port: port)
            if Doctor.page(address).isWell { return address }
        }
        throw HubError("all TCP ports from 8080 to 8099 are taken; name another with --listen ADDRESS:PORT")
    }
}
