import Client
package import Linux
import Store
import Supervisor

/// Announces one port on the local network by mDNS, so that players find it without typing: `avahi-publish` as one more
/// child, which the next hub adopts. Without Avahi the hub is not announced, and says so once.
package final class Announcer {
    private let context: HubContext
    private let port: UInt16
    /// What players see in their lists.
    private let name: String
    private let room: String
    private let engine: String
    let process: EngineProcess
    private var problem: String?

    /// `room`: as the configuration calls it. `engine`: the one whose port it is.
    init(port: UInt16, name: String, room: String, engine: String, context: HubContext) {
        (self.port, self.name, self.room, self.engine, self.context) = (port, name, room, engine, context)
        process = Self.process(port, context.state, context.loop)
        process.prepare = { [unowned self] () throws(Service.Unfit) in try prepare() }
        process.report = { [unowned self] in handle($0) }
    }

    static func process(_ port: UInt16, _ state: StateDirectory, _ loop: EventLoop) -> EngineProcess {
        .avahi("announce-\(port)", marks: [[AnnouncedSession.service, "\(port)"]], state: state, loop: loop)
    }

    /// Processes of ports that a hub left behind.
    package static func leftBehind(_ state: StateDirectory, _ loop: EventLoop) -> [EngineProcess] {
        File.names(in: state.engines).filter { $0.hasPrefix("announce-") && $0.hasSuffix(".json") }
            .compactMap { UInt16($0.dropFirst("announce-".count).dropLast(".json".count)) }
            .map { process($0, state, loop) }
    }

    func begin() {
        // One that announces something else is replaced.
        if process.adopt(), !ProcessIdentity.withArguments(announcement).contains(process.service.pid ?? 0) {
            process.stop()
        }
        process.start()
    }

    private var announcement: [String] {
        [name, AnnouncedSession.service, "\(port)"] + AnnouncedSession.record(room: room)
    }

    private func prepare() throws(Service.Unfit) -> ChildProgram {
        guard let path = Programs.find("avahi-publish") else {
            throw Service.Unfit("avahi-publish is not installed (fix: apt install avahi-daemon avahi-utils)")
        }
        process.nextPort = port
        return ChildProgram(
            path: path, arguments: ["--service", "--"] + announcement,
            environment: Programs.environment.filter { ["PATH", "LANG", "DBUS_SYSTEM_BUS_ADDRESS"].contains($0.key) },
            output: nil)
    }

    private func handle(_ report: Service.Report) {
        switch report {
        case .started(let pid):
            // Where no Avahi daemon answers it ends by itself within a moment; after two seconds it counts as ready.
            context.loop.after(.seconds(2)) { [weak self] in
                guard let self, process.service.pid == pid else { return }
                problem = nil
                process.service.markReady()
            }
        case .cannotStart(let reason): say(reason)
        case .exited(_, expected: false): say("avahi-publish ended: is avahi-daemon running?")
        case .exited, .adopted, .down: break
        }
    }

    private func say(_ reason: String) {
        guard problem != reason else { return }
        problem = reason
        context.note(
            .notAnnounced, severity: .warning, engine: engine,
            "Port \(port) is not announced on the local network: \(reason)\(reason.hasSuffix("?") ? "" : ".") Players can type its address."
        )
    }
}
