import EngineProtocol
import Foundation
package import Linux
import Rtpmidid
package import Supervisor

/// One engine as a process: its service, the record by which a later hub adopts it, and its control socket.
/// `RtpmididEngine` and `EmbeddedEngine` know what it does and who is on it.
package final class EngineProcess {
    /// `engines/NAME.json`.
    package struct Record: Codable, Equatable {
        package var identity: ProcessIdentity
        /// As in "26.01"; nil where the program did not tell.
        package var version: String?
        /// UDP control port, where it serves one.
        package var port: UInt16?
        /// Where in its log this run begins.
        package var logStart: Int64?
    }

    package let name: String
    package let control: ControlSocket
    /// A connection of its own for the question whether it lives, so that the question never waits behind another one.
    private let pulse: ControlSocket
    private let question: [UInt8]
    /// A process whose socket cannot be reached counts as one that does not answer.
    private let mustBeReachable: Bool
    private var isAsked = false
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
    /// Called before the goodbye, while its participants can still be sent something; it calls back when that is done.
    package var beforeGoodbye: (@escaping () -> Void) -> Void = { $0() }

    private let state: StateDirectory

    /// How it lets its participants know that it ends, before SIGTERM.
    private let goodbye: (EngineProcess, @escaping () -> Void) -> Void

    private init(
        _ name: String, _ state: StateDirectory, _ loop: EventLoop, marks: [[String]],
        question: [UInt8] = ControlRequest.help.bytes, mustBeReachable: Bool = false,
        goodbye: @escaping (EngineProcess, @escaping () -> Void) -> Void
    ) {
        (self.name, self.state, self.goodbye) = (name, state, goodbye)
        (self.question, self.mustBeReachable) = (question, mustBeReachable)
        control = ControlSocket(state.control(name), loop: loop)
        pulse = ControlSocket(state.control(name), loop: loop)
        let plan = Service.Plan(
            prepare: { [unowned self] () throws(Service.Unfit) in try prepare() },
            goodbye: { [unowned self] done in
                beforeGoodbye { [weak self] in
                    guard let self else { return }
                    goodbye(self, done)
                }
            },
            marks: marks,
            load: { [unowned self] in load() },
            save: { [unowned self] in save($0) })
        service = Service(
            name: name, loop: loop, plan: plan, teardown: Teardown(goodbye: .seconds(3), terminate: .seconds(5))
        ) { [unowned self] event in
            // The count was about a process that has ended or was replaced.
            looksInVain = 0
            report(event)
            if case .down = event { whenDown() }
        }
    }

    package static func rtpmidid(_ name: String, state: StateDirectory, loop: EventLoop) -> EngineProcess {
        EngineProcess(
            name, state, loop, marks: EngineKind.rtpmidid.marks(name, state), goodbye: { $0.dismissEveryone($1) })
    }

    /// The embedded engine says BY by itself upon SIGTERM.
    package static func embedded(_ name: String, state: StateDirectory, loop: EventLoop) -> EngineProcess {
        EngineProcess(
            name, state, loop, marks: EngineKind.embedded.marks(name, state),
            question: EngineControl.Request(.activity).bytes,
            mustBeReachable: true, goodbye: { _, done in done() })
    }

    /// One of Avahi's programs, which end at once upon SIGTERM.
    static func avahi(
        _ name: String, marks: [[String]], state: StateDirectory, loop: EventLoop
    ) -> EngineProcess {
        EngineProcess(name, state, loop, marks: marks, goodbye: { _, done in done() })
    }

    /// Whether it is to run.
    package private(set) var isWanted = false

    package func adopt() -> Bool {
        isWanted = service.adopt()
        return isWanted
    }
    package func start() {
        isWanted = true
        service.start()
    }
    /// Starts it once `first` calls back, unless it has been stopped by then.
    package func start(after first: (@escaping () -> Void) -> Void) {
        isWanted = true
        first { [weak self] in if let self, isWanted { service.start() } }
    }
    package func stop() {
        isWanted = false
        service.stop()
    }

    // MARK: Whether it hangs

    /// How often it was looked at since its last sign of life, once a second. A count and no time, since a hub that was
    /// stopped itself has looked only once.
    package private(set) var looksInVain = 0
    package static let illAfter = 3
    /// It has not answered for so long that its ports count as not served.
    package var isIll: Bool { looksInVain >= Self.illAfter }
    /// The reason, for people.
    package var illness: String? { isIll ? "its engine does not answer" : nil }
    /// It was ill and is well again.
    package var recovered: () -> Void = {}

    /// Every second, while it is to serve.
    package func look() {
        looksInVain += 1
        guard !isAsked else { return }
        isAsked = true
        pulse.ask(question, timeout: .seconds(5)) { [weak self] answer in
            guard let self else { return }
            isAsked = false
            switch answer {
            case .success: showLife()
            case .failure(.silent): break
            // An rtpmidid without its control socket goes on serving.
            case .failure(.unreachable): if !mustBeReachable { showLife() }
            }
        }
    }

    /// It has logged or answered.
    package func showLife() {
        let wasIll = isIll
        looksInVain = 0
        if wasIll { recovered() }
    }

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
        try? File.replace(state.record(name), with: JSON.bytes(record), mode: 0o640)
    }
}
