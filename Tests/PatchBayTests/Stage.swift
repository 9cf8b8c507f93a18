import Foundation
import Linux
import MIDI
import PatchBay
import Rooms
import Sequencer
import Synchronization
import TestSupport
import Testing

/// A patch bay on the real sequencer, an engine with players' ports, and what both have said. One thread.
///
/// The engine is an ALSA client of this thread: the kernel records the opening thread as its owner, and that number
/// stands for an engine's process here.
final class Stage {
    let directory: String
    var table: String { directory + "/held" }
    private let loop: EventLoop
    private let mailbox: Mailbox<PatchBayEvent>
    private(set) var bay: PatchBayThread
    private(set) var engine: SequencerHandle
    let pid: Int32
    private let listener: ChildProgram

    /// All news since the last `forgetNews`.
    private(set) var news: [PatchBayEvent] = []
    private(set) var present: [Appearance] = []
    private(set) var wires: [WireInfo] = []
    /// What came to the engine's ports since they were last emptied: to which port, from where, what.
    private(set) var heard: [(port: UInt8, from: Address, message: Message?)] = []

    init(
        policy: Policy = .all, tuning: Tuning = Tuning(), confirmFirst: Bool = false, servicePorts: Set<Int> = [],
        configured: Bool = true, listener: String? = nil
    ) throws {
        self.listener = ChildProgram(
            path: try listener ?? builtProduct("midihub"), arguments: ["listener"],
            environment: ["SWIFT_BACKTRACE": "enable=no"], output: nil)
        directory = NSTemporaryDirectory() + "stage-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        loop = try EventLoop()
        mailbox = try Mailbox()
        engine = try SequencerHandle(name: "engine")
        try engine.setInputPool(2000)
        pid = try #require(engine.owner(of: engine.client))
        bay = try PatchBayThread(table: directory + "/held", listener: self.listener, news: mailbox, tuning: tuning)
        try loop.receive(mailbox) { [unowned self] in handle($0) }
        guard configured else { return }
        configure(policy, servicePorts: servicePorts, confirmFirst: confirmFirst)
    }

    deinit {
        bay.stop()
        try? FileManager.default.removeItem(atPath: directory)
    }

    func configure(
        _ policy: Policy, pid: Int32? = nil, portIndex: Int = 0, servicePorts: Set<Int> = [],
        confirmFirst: Bool = false, echoes: Bool = false, blocks: [Block] = [], devices: [DevicePlan]? = nil
    ) {
        bay.send(
            .configure(
                rooms: [RoomPlan(name: "room", policy: policy, blocks: blocks, echoes: echoes, devices: devices)],
                engines: [
                    EngineSpec(
                        name: "5004", pid: pid ?? self.pid, room: "room", portIndex: portIndex,
                        servicePorts: servicePorts, confirmFirst: confirmFirst)
                ]))
    }

    /// Ends the patch bay without a farewell to anybody, as a kill would; wires and table stay.
    func killBay() { bay.stop() }

    func restartBay(_ policy: Policy = .all, tuning: Tuning = Tuning(), devices: [DevicePlan]? = nil) throws {
        forgetNews()
        present = []
        wires = []
        bay = try PatchBayThread(table: table, listener: listener, news: mailbox, tuning: tuning)
        configure(policy, devices: devices)
    }

    func closeEngine() throws { engine = try SequencerHandle(name: "engine") }

    // MARK: Players

    @discardableResult
    func join(_ name: String, _ capabilities: SequencerHandle.Capabilities = .participant) throws -> Address {
        try engine.createPort(name: Array(name.utf8), capabilities)
    }

    /// Ports of these names, once they are present.
    func players(_ names: String...) throws -> [Address] {
        let players = try names.map { try join($0) }
        try until("all are present") { players.allSatisfy { self.appearance($0) != nil } }
        return players
    }

    func leave(_ player: Address) throws { try engine.deletePort(player.port) }
    func play(_ message: Message, _ player: Address) { engine.send(message, from: player.port) }

    func appearance(_ address: Address) -> Appearance? { present.last { $0.id.address == address } }
    func id(_ address: Address) throws -> PortID { try #require(appearance(address)).id }

    /// All subscriptions between these ports, as the kernel has them.
    func kernelWires(_ players: [Address]) -> Set<[Address]> {
        Set(players.flatMap { from in engine.hearers(of: from).filter(players.contains).map { [from, $0] } })
    }

    /// What came to a port, without where it came from.
    func heard(_ player: Address) -> [Message] {
        hear()
        return heard.filter { $0.port == player.port }.compactMap(\.message)
    }
    func forgetHeard() {
        hear()
        heard = []
    }
    func forgetNews() { news = [] }
    func forgetSounding() { news.removeAll { if case .sounding = $0 { true } else { false } } }

    // MARK: Waiting

    struct TooLong: Error, CustomStringConvertible { let description: String }

    /// Handles events until the condition holds. The sequencers' descriptors are not in the loop, so they are polled.
    func until(
        _ what: String, seconds: Int = 60, seen: @autoclosure () -> String = "", _ condition: () throws -> Bool
    ) throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while try !{
            hear()
            return try condition()
        }() {
            guard ContinuousClock.now < end else {
                throw TooLong(description: "waited in vain until \(what) \(seen())")
            }
            loop.after(.milliseconds(3)) { [unowned self] in loop.stop() }
            try loop.run()
        }
    }

    /// Waits until every command sent before has been carried out.
    func settle() throws {
        let done = Done()
        bay.send(.panic(room: "no such room") { _ in done.set() })
        try until("the patch bay has answered") { done.isSet }
    }

    /// Waits until nothing is left to be released.
    func awaitReleases() throws {
        let done = Done()
        bay.send(.afterReleases { done.set() })
        try until("all is released") { done.isSet }
    }

    /// The next event that tells what sounds.
    func awaitSounding() throws -> [PortID: ActiveNotes] {
        var told: [PortID: ActiveNotes]?
        try until("it is told") {
            told = news.lazy.compactMap { if case .sounding(let all) = $0 { all } else { nil } }.last
            return told != nil
        }
        return try #require(told)
    }

    private func hear() {
        while case .input(let input) = engine.receive() {
            if case .midi(let from, let port, let message) = input { heard.append((port, from, message)) }
        }
    }

    private func handle(_ piece: PatchBayEvent) {
        news.append(piece)
        switch piece {
        case .appeared(let appearance):
            present.removeAll { $0.id == appearance.id }
            present.append(appearance)
        case .vanished(let id): present.removeAll { $0.id == id }
        case .wires(let wires): self.wires = wires
        case .released, .restored, .problem, .listening, .activity, .sounding, .echoReturned, .touched, .seats: break
        }
    }

    var releases: [Released] { news.compactMap { if case .released(let released) = $0 { released } else { nil } } }
    var problems: [String] { news.compactMap { if case .problem(let text) = $0 { text } else { nil } } }
}

/// A flag set on one thread and read on another.
final class Done: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
}

let one = Channel(truncating: 0)
func on(_ note: DataByte, _ channel: Channel = one) -> Message { .noteOn(channel, note: note, velocity: 99) }
func off(_ note: DataByte, _ channel: Channel = one) -> Message { .noteOff(channel, note: note, velocity: 64) }
func pedal(_ value: DataByte) -> Message { .controlChange(one, controller: 64, value: value) }

/// All tests that need the real sequencer. Without one they do not run: `scripts/vm` has one always, and there its
/// absence is a failure.
@Suite(
    .serialized,
    .enabled(
        if: isSequencerThere || ProcessInfo.processInfo.environment["MIDIHUB_VM"] != nil,
        "no ALSA sequencer opens on this machine: scripts/test runs these in a virtual machine (scripts/vm)"))
enum OnTheSequencer {}

private let isSequencerThere = (try? SequencerHandle(name: "is it there")) != nil
