import Engine
import Foundation
import Glibc
import Linux

/// `midihub demo`: a hub of its own with four players on it, until Ctrl-C.
enum DemoCommand {
    static func run(_ options: Options) -> ExitCode {
        var options = options
        let temporary = options.state == nil ? temporaryDirectory() : nil
        if let temporary { options.state = temporary }
        defer { if let temporary { try? FileManager.default.removeItem(atPath: temporary) } }
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
            let band = try DemoBand(Participant.Host(name: configuration.address ?? "127.0.0.1", port: port))
            let code = RunCommand.run(options)
            band.stop()
            return code
        } catch {
            Output.complain("\(error)")
            return .unavailable
        }
    }

    private static func temporaryDirectory() -> String? {
        var template = Array("\(NSTemporaryDirectory())midihub-demo-XXXXXX".utf8CString)
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
