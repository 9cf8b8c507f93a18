import Foundation
import Glibc
import Linux
import MIDI
import TestSupport

/// Two engine processes that are a pair, one who plays and one who hears, both on both of them; and what of that which is
/// played while something befalls the hub that speaks is heard. All of it is one thread's.
final class EnginePair {
    struct Played {
        let at: UInt64
        let message: Message
    }
    struct Heard {
        let at: UInt64
        let hub: Int
        let message: Message
    }
    /// Of some of what was played: how late each came, in milliseconds; how many never came; how many of them twice.
    struct Outcome {
        var late: [Double]
        var lost = 0
        var again = 0
        var latest: Double { late.max() ?? 0 }
    }

    /// On hosts of their own, or, without a network, all on this machine's loopback.
    let network: TestNetwork?
    let hosts = ["A", "B"]
    private let isRealTime: Bool
    private let waitsWhenUnsure: Bool
    let directory = TemporaryDirectory()
    let ports = [freeUDPPortPair(), freeUDPPortPair()]
    private(set) var engines: [Program] = []
    private var player: [TestPlayer] = []
    private var hearer: [TestPlayer] = []
    private var counts = [0, 0]
    private(set) var played: [Played] = []
    private(set) var heard: [Heard] = []
    /// What must not be, in words.
    var faults: [String] = []
    /// From one message to the next, in nanoseconds.
    var pause: UInt64 = 1_000_000

    static let pad = Message.noteOn(Channel(truncating: 15), note: 40, velocity: 100)
    static let pedal = Message.controlChange(Channel(truncating: 15), controller: 64, value: 127)

    /// The calling thread is on the host of those who play, where there is a network. A pad and a pedal are held from the
    /// beginning.
    init(network: TestNetwork? = nil, isRealTime: Bool = true, waitsWhenUnsure: Bool = false) throws {
        (self.network, self.isRealTime, self.waitsWhenUnsure) = (network, isRealTime, waitsWhenUnsure)
        engines = try [0, 1].map(begin)
        try network?.enter("C")
        try eventually("a pair", seen: seen) { speaker != nil }
        player = try self.players("Piano")
        hearer = try self.players("Desk")
        try pumping("everybody on both hubs") { (player + hearer).allSatisfy(\.isUp) }
        // The hubs tell each other of them; then both know that the two are one.
        try pumping("both hubs know who is on both", seen) { paired == 2 }
        for message in [Self.pad, Self.pedal] { playApart(message) }
        try pumping("what is held") { heard.map(\.message) == [Self.pad, Self.pedal] }
    }

    func address(_ hub: Int) -> String { network?.address(hosts[hub]) ?? "127.0.0.1" }

    private func players(_ name: String) throws -> [TestPlayer] {
        try [0, 1].map {
            try TestPlayer(name, port: ports[$0], host: address($0), bind: network?.address("C") ?? "127.0.0.1")
        }
    }

    private func begin(_ hub: Int) throws -> Program {
        let (name, port) = (hosts[hub], ports[hub])
        let plan = """
            {"version": 1, "allow": [], "deny": [], "rooms": [{"name": "room", "displayName": "Hub", "policy": "all",
            "ports": [\(port)], "blocks": [], "maximum": 50}], "host": "\(address(hub))",
            "failover": {"host": "\(address(1 - hub))", "port": \(ports[1 - hub]), "isMain": \(hub == 0),
            "secret": "correct horse battery staple", "waitsWhenUnsure": \(waitsWhenUnsure), "ports": {"room": \(port)}}}
            """
        var words = [
            try builtProduct("midihub"), "engine", "--plan", directory.write("\(name).json", plan),
            "--control", directory.file("\(name).sock"), "--sessions", directory.file("\(name).sessions"),
        ]
        if !isRealTime { words = [installed("setpriv")!, "--bounding-set", "-sys_nice", "--"] + words }
        if let network { words = network.on(name, words) }
        return try Program(words[0], Array(words.dropFirst()), in: directory, name: name)
    }

    // MARK: How the two are

    /// What an engine told of last: its phase as in `HubRole.Phase`, and how many stand on both.
    private var phases: [(phase: Int, paired: Int)] {
        [0, 1].map { hub in
            let reply = try? controlRequest(
                directory.file("\(hosts[hub]).sock"), Array("{\"do\":\"status\"}\n".utf8), within: .seconds(2))
            let object = reply.flatMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
            let pair = (object?["status"] as? [String: Any])?["failover"] as? [String: Any]
            return (pair?["phase"] as? Int ?? -1, (pair?["paired"] as? [Any])?.count ?? 0)
        }
    }
    static let (alone, active, standby, suspect) = (1, 2, 4, 6)

    /// Of a pair that is whole.
    var speaker: Int? {
        switch phases.map(\.phase) {
        case [Self.active, Self.standby]: 0
        case [Self.standby, Self.active]: 1
        default: nil
        }
    }
    func phase(_ hub: Int) -> Int { phases[hub].phase }
    /// How many both hubs know to be on both.
    var paired: Int { phases.map(\.paired).min()! }
    var seen: String { "\(phases)\n" + engines.map { String($0.output.suffix(1_500)) }.joined(separator: "\n") }

    func start(_ hub: Int) throws { engines[hub] = try begin(hub) }

    /// Gives the order to switch, and waits for no answer.
    func orderSwitch(by hub: Int) throws {
        order = try Sockets.connect(unix: directory.file("\(hosts[hub]).sock"), nonBlocking: false)
        try order!.writeAll(Array("{\"do\":\"switch\"}\n".utf8), socket: true)
    }
    private var order: Descriptor?

    // MARK: Music

    func pump() {
        for one in player { one.pump() }
        for (hub, session) in hearer.enumerated() {
            session.pump()
            let now = SystemTime.monotonicNanoseconds
            for message in session.heard[counts[hub]...] { heard.append(Heard(at: now, hub: hub, message: message)) }
            counts[hub] = session.heard.count
        }
    }

    func pumping(_ what: String, _ seen: @autoclosure () -> String = "", _ holds: () throws -> Bool) throws {
        try eventually(what, seen: seen()) {
            pump()
            return try holds()
        }
    }

    /// Plays so many messages, one after the other. Before some of them something happens; `meanwhile` is done again and again.
    func play(_ count: Int, _ happenings: [Int: () throws -> Void] = [:], meanwhile: () -> Void = {}) throws {
        for position in 0..<count {
            try happenings[position]?()
            let message = Self.message(played.count)
            played.append(Played(at: SystemTime.monotonicNanoseconds, message: message))
            for one in player { one.play(message) }
            let next = played[played.count - 1].at + pause
            while SystemTime.monotonicNanoseconds < next {
                meanwhile()
                pump()
                usleep(30)
            }
        }
    }

    /// One more message, which is no part of a round.
    func playApart(_ message: Message) { for one in player { one.play(message) } }

    /// A value that goes round, and between two of them a note that begins and ends.
    private static func message(_ number: Int) -> Message {
        let note = DataByte(truncating: UInt8(36 + number / 4 % 48))
        let channel = Channel(truncating: 0)
        return switch number % 4 {
        case 1: .noteOn(channel, note: note, velocity: 100)
        case 3: .noteOff(channel, note: note, velocity: 64)
        default:
            .controlChange(
                Channel(truncating: UInt8(1 + number / 256 % 8)),
                controller: DataByte(truncating: UInt8(16 + number / 4 % 64)),
                value: DataByte(truncating: UInt8(number % 128)))
        }
    }

    /// One round: plays on while something happens, until the last of it is heard and all is as before. Gives what came of it.
    func round(
        _ count: Int, _ happenings: [Int: () throws -> Void], until whole: () throws -> Void = {},
        meanwhile: () -> Void = {}
    ) throws -> Outcome {
        try outcome {
            try play(count, happenings, meanwhile: meanwhile)
        } until: {
            try whole()
        }
    }

    /// What comes of that which is played in `music`.
    func outcome(_ music: () throws -> Void, until whole: () throws -> Void) throws -> Outcome {
        let (first, firstHeard) = (played.count, heard.count)
        try music()
        // Not as seldom as something is looked at that is waited for.
        for _ in 0..<1_000 where heard.last?.message != played.last?.message {
            pump()
            usleep(50)
        }
        try pumping("the last of the round", seen) { heard.last?.message == played.last?.message }
        try whole()
        return compare(played[first...], heard[firstHeard...])
    }

    /// Each is to come once, and in order from each hub. What was in doubt may come twice, but no beginning of a note.
    private func compare(_ played: ArraySlice<Played>, _ heard: ArraySlice<Heard>) -> Outcome {
        var outcome = Outcome(late: played.map { _ in 0 })
        var came: Set<Int> = []
        var furthest = played.startIndex
        var newest = [-1, -1]
        func complain(_ what: String, _ one: Heard) {
            let at = Int(one.at - played[played.startIndex].at) / 1_000_000
            faults.append("\(what): \(hex(one.message.bytes)) by \(one.hub), after \(at) ms of \(played.count)")
        }
        for one in heard {
            let near = played.indices.clamped(to: max(0, furthest - 140)..<furthest + 50)
            let index = near.first {
                !came.contains($0) && played[$0].message == one.message && played[$0].at <= one.at
            }
            guard let index else {
                outcome.again += 1
                if case .noteOn = one.message { complain("struck twice", one) }
                if !near.contains(where: { played[$0].message == one.message }) { complain("not played", one) }
                continue
            }
            if index < newest[one.hub] { complain("out of order", one) }
            came.insert(index)
            newest[one.hub] = index
            furthest = max(furthest, index)
            outcome.late[index - played.startIndex] = Double(one.at - played[index].at) / 1_000_000
        }
        outcome.lost = played.count - came.count
        return outcome
    }

    /// What sounds at the hearer is what is held; the pad and the pedal were struck once, and not let go of.
    func checkWhatSounds() {
        func sounding(_ messages: some Sequence<Message>) -> Set<[UInt8]> {
            messages.reduce(into: []) { set, message in
                switch message {
                case .noteOn(let channel, let note, _): set.insert([channel.rawValue, note.rawValue])
                case .noteOff(let channel, let note, _): set.remove([channel.rawValue, note.rawValue])
                default: break
                }
            }
        }
        let (sounds, held) = (sounding(heard.map(\.message)), sounding([Self.pad] + played.map(\.message)))
        if sounds != held { faults.append("\(sounds) sound, \(held) are held") }
        let kept = heard.filter { $0.message.bytes[0] & 0x0F == 15 }.map(\.message)
        if kept != [Self.pad, Self.pedal] { faults.append("the pad and the pedal: \(kept.map { hex($0.bytes) })") }
    }
}
