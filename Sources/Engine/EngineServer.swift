package import EngineProtocol
import Foundation
import Glibc
package import Linux
import Rooms

/// The engine's thread, and beside it the main thread with its log, its control socket and its signals.
package final class EngineServer {
    private let version: String
    private let planPath: String
    /// The main thread's.
    package let loop: EventLoop
    /// Who of this machine is a member, besides those who come over the network: it follows the plan on the main thread, and
    /// is asked whose session (its SSRC) is which device's, and how all are.
    package var onPlan: (EnginePlan) -> Void = { _ in }
    package var device: (_ session: UInt32) -> String? = { _ in nil }
    package var devices: () -> (all: [EngineStatus.Device], trouble: String?) = { ([], nil) }
    private var plan: EnginePlan
    private let engine: EngineThread
    private let news: Mailbox<EngineEvent>
    private let answers: Mailbox<Answer>
    private let signals: SignalDescriptor
    private let listener: Descriptor
    private var connections: [Int: Connection] = [:]
    private var nextConnection = 0
    private let controlPath: String
    /// A full disk took only the beginning of the last line.
    private var isLineOpen = false

    /// What the engine's thread has answered, for the connection of that number.
    private struct Answer: Sendable {
        let reply: EngineControl.Reply
        let connection: Int
    }

    private final class Connection {
        let socket: Descriptor
        var registration: EventLoop.Registration?
        var timer: EventLoop.TimerID?
        var request: [UInt8] = []
        var reply: [UInt8] = []
        init(_ socket: consuming Descriptor) { self.socket = socket }
    }
    private static let longestRequest = 65536
    private static let mostConnections = 32

    package init(plan path: String, control: String, sessions: String?, version: String) throws {
        Signals.ignorePipe()
        signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
        self.version = version
        planPath = path
        controlPath = control
        loop = try EventLoop()
        (news, answers) = (try Mailbox(), try Mailbox())
        plan = try Self.readPlan(path)
        engine = try EngineThread(plan, sessions: sessions, version: version, isAlone: true, news: news)
        listener = try Sockets.listen(unix: control, mode: 0o660)
    }

    package func run() throws {
        var first = EngineLine(.started, at: SystemTime.unixMilliseconds)
        (first.pid, first.version) = (getpid(), version)
        write(first)
        try loop.watch(signals.number, .read) { [unowned self] _ in
            while let signal = signals.next() {
                if signal == SIGHUP { reload { _ in } } else { engine.send(.stop) }
            }
        }
        try loop.receive(news) { [unowned self] item in
            write(EngineLine(item, at: SystemTime.unixMilliseconds))
            switch item {
            // Now that there is somewhere to join.
            case .listening: onPlan(plan)
            case .killed: kill(getpid(), SIGKILL)
            case .ended: loop.stop()
            default: break
            }
        }
        try loop.receive(answers) { [unowned self] in
            var reply = $0.reply
            if var status = reply.status.take() {
                for index in status.participants.indices { complete(&status.participants[index]) }
                (status.devices, status.deviceTrouble) = devices()
                reply.status = status
            }
            answer(reply, $0.connection)
        }
        try loop.watch(listener.number, .read) { [unowned self] _ in accept() }
        try engine.start()
        try loop.run()
        engine.join()
        File.remove(controlPath)
    }

    private func complete(_ participant: inout EngineStatus.Participant) {
        // Whoever comes from elsewhere may have drawn the same number, or have heard it.
        guard let device = device(participant.ssrc), let host = Sockets.Address(participant.address)?.host,
            host == plan.host || SocketAddress(host: host, port: 0)?.isLoopback ?? false
        else { return }
        (participant.device, participant.address) = (device, "this machine")
    }

    /// A line of the log, about what is wrong.
    package func tell(_ problem: String) {
        write(EngineLine(.problem(problem), at: SystemTime.unixMilliseconds))
    }

    /// A line that cannot be written (a full disk) is lost; MIDI goes on.
    private func write(_ line: EngineLine) {
        var line = line
        if var participant = line.participant.take() {
            complete(&participant)
            line.participant = participant
        }
        let bytes = Array(((isLineOpen ? "\n" : "") + JSON.text(line) + "\n").utf8)
        let count = bytes.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
        if count > 0 { isLineOpen = bytes[count - 1] != UInt8(ascii: "\n") }
    }

    private static func readPlan(_ path: String) throws -> EnginePlan {
        guard let bytes = File.bytes(path, limit: 4 << 20) else {
            throw PlanError(description: "\(path) cannot be read")
        }
        do {
            return try JSONDecoder().decode(EnginePlan.self, from: Data(bytes))
        } catch { throw PlanError(description: "\(path) is no plan for an engine: \(error)") }
    }

    private func reload(_ done: (String?) -> Void) {
        do {
            plan = try Self.readPlan(planPath)
            engine.send(.serve(plan))
            onPlan(plan)
            done(nil)
        } catch {
            tell("the plan is not used: \(error)")
            done("\(error)")
        }
    }

    // MARK: The control socket

    private func accept() {
        while let accepted = try? Sockets.accept(listener) {
            // A connection too many is closed; its program asks again.
            guard connections.count < Self.mostConnections else { continue }
            let connection = Connection(accepted.intoSocket())
            let id = nextConnection
            nextConnection += 1
            connections[id] = connection
            connection.registration = try? loop.watch(connection.socket.number, .read) { [unowned self] _ in
                if connections[id]?.reply.isEmpty ?? true { read(id) } else { write(id) }
            }
            connection.timer = loop.after(.seconds(10)) { [unowned self] in close(id) }
        }
    }

    private func read(_ id: Int) {
        guard let connection = connections[id] else { return }
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            var result = Descriptor.Transfer.end
            do {
                result = try buffer.withUnsafeMutableBytes { raw throws(Errno) in try connection.socket.read(into: raw)
                }
            } catch { return close(id) }
            switch result {
            case .again: return
            case .end: return close(id)
            case .bytes(let count): connection.request += buffer[..<count]
            }
            if let newline = connection.request.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(connection.request[..<newline])
                connection.request = []
                return obey(line, id)
            }
            if connection.request.count > Self.longestRequest { return close(id) }
        }
    }

    private func obey(_ line: [UInt8], _ id: Int) {
        guard let request = try? JSONDecoder().decode(EngineControl.Request.self, from: Data(line)) else {
            return answer(.init(error: "not understood"), id)
        }
        // The engine answers on its own thread; the answer is sent from this one.
        let later: @Sendable (EngineControl.Reply) -> Void = { [answers] in
            answers.send(Answer(reply: $0, connection: id))
        }
        let participant = request.id ?? 0
        let whetherDone: @Sendable (Bool) -> Void = {
            later($0 ? .init() : .nobody(participant))
        }
        switch request.do {
        case .status: engine.send(.status { later(.init(status: $0)) })
        case .panic:
            engine.send(
                .panic(room: request.room, all: request.all ?? false) { later(.init(hearers: $0, notes: $1)) })
        case .kick, .unmute, .release, .notesOff:
            if let command = request.member { engine.send(.member(id: participant, command, whetherDone)) }
        case .activity: engine.send(.activity { later(.init(activity: $0)) })
        case .sounding: engine.send(.sounding { later(.init(sounding: $0)) })
        case .drill:
            guard let plan = request.drill else { return answer(.init(error: "not understood"), id) }
            engine.send(.drill(plan) { later(.init(error: $0)) })
        case .switch: engine.send(.switchHubs(request.reason ?? .order) { later(.init(error: $0)) })
        case .learn: engine.send(.learn { later(.init()) })
        case .reload:
            reload { failure in
                if let failure { return answer(.init(error: failure), id) }
                // Orders are obeyed one after the other: when this one is answered, the plan is followed.
                engine.send(.activity { _ in later(.init()) })
            }
        case .stop:
            engine.send(.stop)
            answer(.init(), id)
        }
    }

    private func answer(_ reply: EngineControl.Reply, _ id: Int) {
        guard let connection = connections[id] else { return }
        connection.reply = JSON.line(reply)
        write(id)
    }

    private func write(_ id: Int) {
        guard let connection = connections[id] else { return }
        while !connection.reply.isEmpty {
            var result = Descriptor.Transfer.end
            do {
                result = try connection.reply.withUnsafeBytes { raw throws(Errno) in
                    try connection.socket.write(raw, socket: true)
                }
            } catch { return close(id) }
            guard case .bytes(let count) = result else {
                if let registration = connection.registration { loop.change(registration, to: .write) }
                return
            }
            connection.reply.removeFirst(count)
        }
        close(id)
    }

    private func close(_ id: Int) {
        guard let connection = connections.removeValue(forKey: id) else { return }
        if let registration = connection.registration { loop.unwatch(registration) }
        if let timer = connection.timer { loop.cancel(timer) }
    }
}

/// A plan that is not used, in words.
private struct PlanError: Error, CustomStringConvertible {
    let description: String
}
