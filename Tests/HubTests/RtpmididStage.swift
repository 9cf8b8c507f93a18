import EngineProtocol
import Linux
import PatchBay
import Rooms
import Sequencer
import Store
import Supervisor
import TestSupport
import Testing

@testable import Hub

/// An rtpmidid without ALSA, driven by the test, and the engine of a hub that has adopted it. Its log, its control socket
/// and its participants' names are a real daemon's; that a participant has an ALSA port, the test says in the patch bay's
/// place.
final class RtpmididStage {
    private let state: StateDirectory
    private let daemon: Daemon
    let loop: EventLoop
    let database: Database
    private let context: HubContext
    let engine: RtpmididEngine
    private var invitations: UInt32 = 0

    /// The process. It outlives the hub that looks after it.
    final class Daemon {
        let directory = TemporaryDirectory()
        let port = freeUDPPortPair()
        let program: Program
        let drive: DoubleDrive
        var name: String { "rtpmidid-\(port)" }
        var state: StateDirectory { StateDirectory(directory.file("state")) }

        init() throws {
            let state = StateDirectory(directory.file("state"))
            try state.create()
            let name = "rtpmidid-\(port)"
            let ini = """
                [general]
                alsa_name=midihub-\(port)
                control=\(state.control(name))
                [rtpmidi_discover]
                enabled=false
                [rtpmidi_announce]
                name=Hub
                port=\(port)

                """
            try File.replace(state.ini(name), with: Array(ini.utf8))
            program = try Program(
                builtProduct("rtpmidid-double"), ["--ini", state.ini(name)],
                environment: ["RTPMIDID_DOUBLE_NO_ALSA": "1"], in: directory, output: state.log(name))
            let log = program.outputPath
            try eventually("rtpmidid to be ready", seen: text(of: log)) { text(of: log).contains("Waiting for conn") }
            drive = try DoubleDrive(controlPath: state.control(name))
        }
    }

    /// A hub that begins. `daemon`: of a hub that was there before.
    init(_ daemon: Daemon? = nil, invites: [Invitee]? = nil) throws {
        let daemon = try daemon ?? Daemon()
        self.daemon = daemon
        state = daemon.state
        loop = try EventLoop()
        database = try Database(path: state.database)
        let memory = RestoredState.load(database)
        context = try HubContext(
            state: state, loop: loop, recorder: StoreWriter(database, path: state.database, failure: nil, loop: loop),
            configuration: Configuration(), memory: memory, prints: false)
        engine = RtpmididEngine(
            port: daemon.port, room: RoomPlan(name: "Main", policy: .auto, ports: [daemon.port], invites: invites),
            index: 0,
            bay: try PatchBayLink(loop, table: state.held), context: context)
        context.resolved = { [engine] in engine.resolved($0, $1) }
        engine.begin(at: context.removeOffset(of: engine.name))
        #expect(engine.process.service.isAdopted)
    }

    var drive: DoubleDrive { daemon.drive }

    /// As a hub that is killed; the daemon goes on. `isSettled`: what it had to record is on disk.
    func die(isSettled: Bool) throws -> Daemon {
        if isSettled { try settle() }
        blocking { [database] in await database.close() }
        return daemon
    }

    // MARK: Participants

    /// Somebody joins and gets an ALSA port: by which number the double knows it, and its port.
    func join(_ name: String, as standing: MemberStatus = .participant) throws -> (id: Int, port: PortID) {
        let one = try invite(Array(name.utf8))
        appear(one.port, Array(name.utf8), as: standing)
        return one
    }

    /// Somebody joins, and nobody here has seen its port yet. All numbers in the log are of one length, so that no line of
    /// it ends where a record of the longest kind would, which would have the log doubted.
    func invite(_ name: [UInt8]) throws -> (id: Int, port: PortID) {
        invitations += 1
        let number = String(0x8000_0000 + invitations, radix: 16)
        return (try drive.join(name, options: "ssrc=\(number) initiator=\(number)"), newestPort)
    }

    /// The last one that the daemon has made.
    var newestPort: PortID {
        let created = text(of: daemon.program.outputPath).matches(of: /Created alsapeer .*, port (\d+)/).last
        return PortID(address: .init(client: 128, port: created.flatMap { UInt8($0.output.1) } ?? 0), generation: 1)
    }

    /// The port is there, as the patch bay would say it.
    func appear(_ port: PortID, _ name: [UInt8], as standing: MemberStatus = .participant) {
        let cut = Array(name.prefix(63))
        engine.appeared(
            Appearance(
                id: port, engine: engine.name, nameBytes: cut, name: String(decoding: cut, as: UTF8.self),
                standing: standing, room: engine.room.name, direction: .both))
    }

    func rtt(_ port: PortID) -> Snapshot.RoundTrip? { engine.attendance[port]?.view.rtt }

    /// Runs the loop, and looks after the daemon as the hub does every few seconds, until `condition` holds.
    func run(until what: String, _ condition: () -> Bool) throws {
        try loop.run(
            until: what,
            seen: "\(engine.participants), \(engine.calls.map(\.outcome)), log: \(text(of: daemon.program.outputPath))"
        ) {
            engine.readLog()
            engine.tick()
            return condition()
        }
    }

    // MARK: What is on record

    private func settle() throws {
        for _ in 0..<2 {
            var isDone = false
            context.recorder.whenDone { isDone = true }
            try loop.run(until: "the store") { isDone }
        }
    }

    func texts(_ kinds: EventKind...) throws -> [String] {
        try settle()
        let events = blocking { [database] in (try? await database.events(limit: 1000)) ?? [] }
        return events.reversed().filter { kinds.contains($0.kind) }.map(\.text)
    }
}
