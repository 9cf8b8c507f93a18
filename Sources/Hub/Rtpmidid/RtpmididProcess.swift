import Foundation
package import Linux
package import Supervisor

/// One rtpmidid as a process: its service, the record by which a later hub adopts it, and how it says goodbye.
/// What it does and who is on it is `RtpmididEngine`'s affair.
package final class RtpmididProcess {
    /// `engines/NAME.json`.
    package struct Record: Codable, Equatable {
        package var identity: ProcessIdentity
        /// As in "26.01"; nil where the program did not tell.
        package var version: String?
        /// UDP control port.
        package var port: UInt16?
        /// Where in its log this run begins.
        package var logStart: Int64?
    }

    package let name: String
    package let control: ControlSocket
    package private(set) var service: Service!  // made last in init: it calls back into self
    /// Of the process that runs or ran last; its identity is that of the last one started or adopted.
    package private(set) var record: Record?
    /// What the next start writes into its record.
    var nextVersion: String?
    var nextPort: UInt16?
    var nextLogStart: Int64?
    package var prepare: () throws(Service.Unfit) -> ChildProgram = { () throws(Service.Unfit) in
        throw Service.Unfit("it is not to be started")
    }
    package var report: (Service.Report) -> Void = { _ in }
    package var whenDown: () -> Void = {}

    private let state: StateDirectory

    package init(name: String, state: StateDirectory, loop: EventLoop) {
        (self.name, self.state) = (name, state)
        control = ControlSocket(state.control(name), loop: loop)
        let plan = Service.Plan(
            prepare: { [unowned self] () throws(Service.Unfit) in try prepare() },
            goodbye: { [unowned self] in sayGoodbye($0) },
            // Versions before 23.12 know no ini file; their command line has the control socket.
            marks: [["--ini", state.ini(name)], ["--control", state.control(name)]],
            load: { [unowned self] in load() },
            save: { [unowned self] in save($0) })
        service = Service(
            name: name, loop: loop, plan: plan, teardown: Teardown(goodbye: .seconds(3), terminate: .seconds(5))
        ) { [unowned self] event in
            report(event)
            if case .down = event { whenDown() }
        }
    }

    package func adopt() -> Bool { service.adopt() }
    package func start() { service.start() }
    package func stop() { service.stop() }

    /// A missing, half-written or foreign record is none: the process is then looked for by its command line.
    private func load() -> ProcessIdentity? {
        guard let bytes = File.bytes(state.record(name), limit: 65536) else { return nil }
        record = try? JSONDecoder().decode(Record.self, from: Data(bytes))
        return record?.identity
    }

    private func save(_ identity: ProcessIdentity?) {
        guard let identity else {
            File.remove(state.record(name))
            return
        }
        let version = nextVersion ?? record?.version
        record = Record(
            identity: identity, version: version, port: nextPort ?? record?.port,
            logStart: nextLogStart ?? record?.logStart)
        // A record that cannot be written costs nothing but a search through /proc at the next adoption.
        try? File.replace(state.record(name), with: Array(API.encode(record).utf8), mode: 0o640)
    }

    /// Removing the listener is the only way to have BYE said to every participant (facts: rtpmidid.md rule 8).
    private func sayGoodbye(_ done: @escaping () -> Void) {
        control.ask(ControlRequest.status, patience: .seconds(1)) { [unowned self] answer in
            var listeners: [Int] = []
            if case .success(let bytes) = answer, case .status(let status) = ControlReply(bytes),
                let id = status.listener?.id
            {
                listeners = [id]
            }
            // Its one listener is the first thing that our ini makes, so its id is known where `status` cannot be had.
            if listeners.isEmpty { listeners = [1] }
            var left = listeners.count
            for id in listeners {
                control.ask(ControlRequest.remove(id), patience: .seconds(1)) { _ in
                    left -= 1
                    if left == 0 { done() }
                }
            }
        }
    }
}
