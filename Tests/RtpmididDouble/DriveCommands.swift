import Glibc
import TestSupport

/// What a test can make the double do. Names and MIDI are hex; `ID` is the number that `join` answered.
///
///     about                                   ok pid=… version=… port=… (the first listener's control port)
///     join NAME [ssrc=HEX] [initiator=HEX] [address=A] [port=N]      ok ID; invites on both ports
///     joinmany COUNT NAME                     ok FIRST LAST; NAME gets a number appended
///     invite ID [control|midi]                again, on both ports or one: while connected, each adds an ALSA port
///     knock NAME                              ok ID; invites on the control port only
///     leave ID                                BYE on both ports
///     bye ID control|midi                     BYE on one port; it then falls silent
///     vanish ID [ghost]                       falls silent; `ghost`: the daemon will never notice
///     patience SECONDS                        how long silence lasts before removal, from now on (60)
///     haste N                                 sessions that go out wait N times shorter than they should, from now on
///     latency ID MILLISECONDS                 a clock exchange ends with this round trip
///     collide ID ID TURNS                     both come back with initiator id 0 and take turns at inviting
///     send ID HEX                             the participant plays: out of its ALSA port
///     received ID                             ok HEX …: what the daemon sent to it since last asked, in order
///     byes ID                                 ok N: BYE packets the daemon sent to it
///     log HEX                                 writes the bytes and a newline to the log, forged or not
///     noise LINES                             as many lines as a storm of leaving participants leaves behind
///     counts                                  ok participants=N sessions=N nodes=N connections=N requests=N abandoned=N
///     unread                                  ok N: bytes of control answers that wait to be read
///     deaf                                    neither accepts nor reads control clients; the rest goes on
///     hang                                    serves nothing but this socket
///     resume                                  ends `deaf` and `hang`
///     close control|midi                      closes one of the listener's UDP ports
///     crash abort|segv|CODE                   ends at once, by that signal or exit code
final class DriveCommands {
    private struct Refusal: Error { let why: String }

    private unowned let daemon: Daemon
    private var participants: [Int: Participant] = [:]
    private(set) var hung = false

    init(_ daemon: Daemon) { self.daemon = daemon }

    func answer(_ line: String) -> String {
        let arguments = line.split(separator: " ").map(String.init)
        do {
            let result = try run(arguments.first ?? "", Array(arguments.dropFirst()))
            daemon.runLater()
            return result.isEmpty ? "ok" : "ok \(result)"
        } catch let error as Refusal {
            return "error \(error.why)"
        } catch {
            return "error \(error)"
        }
    }

    private func run(_ command: String, _ arguments: [String]) throws -> String {
        switch command {
        case "about":
            return "pid=\(getpid()) version=\(daemon.settings.version) port=\(try listener.controlPort ?? 0)"
        case "join":
            let participant = try make(arguments)
            try invite(participant, [.control, .midi])
            return "\(participant.id)"
        case "joinmany":
            let name = try bytes(arguments, 1)
            let made = try (1...(try number(arguments, 0))).map { index in
                let participant = try make([hex(name + Array("\(index)".utf8))])
                try invite(participant, [.control, .midi])
                return participant.id
            }
            return "\(made[0]) \(made[made.count - 1])"
        case "invite":
            try invite(try participant(arguments), arguments.count > 1 ? [try port(arguments, 1)] : [.control, .midi])
        case "knock":
            let participant = try make(arguments)
            try invite(participant, [.control])
            return "\(participant.id)"
        case "leave": for port in [SessionPort.control, .midi] { try bye(try participant(arguments), port) }
        case "bye":
            let participant = try participant(arguments)
            try bye(participant, try port(arguments, 1))
            try vanish(participant, ghost: false)
        case "vanish": try vanish(try participant(arguments), ghost: arguments.count > 1)
        case "patience": try listener.silenceLimit = .milliseconds(Int(try decimal(arguments, 0) * 1000))
        case "latency":
            try listener.session(of: try participant(arguments))?.synchronised(
                after: Int((try decimal(arguments, 1) * 10).rounded()))
        case "collide":
            try collide(try participant(arguments), try participant(arguments, 1), turns: try number(arguments, 2))
        case "send":
            let participant = try participant(arguments)
            guard let session = try listener.session(of: participant) else { throw Refusal(why: "it has no session") }
            session.played(try bytes(arguments, 1), by: participant)
        case "received":
            daemon.sequencer.receive()
            let participant = try participant(arguments)
            defer { participant.heard = [] }
            return participant.heard.map { hex($0) }.joined(separator: " ")
        case "byes": return "\(try participant(arguments).byes)"
        default: return try runOnDaemon(command, arguments)
        }
        return ""
    }

    /// Commands about the process rather than a participant.
    private func runOnDaemon(_ command: String, _ arguments: [String]) throws -> String {
        switch command {
        case "log": daemon.log.raw(try bytes(arguments, 0) + [10])
        case "noise":
            for line in 0..<(try number(arguments, 0)) {
                let (from, to) = (line / 120 + 2, line % 120 + 2)
                if line.isMultiple(of: 2) {
                    daemon.log.info("midirouter.cpp:170", "Disconnect \(from) -> \(to)")
                } else {
                    daemon.log.warning("midirouter.cpp:156", "Sending to unknown peer \(from) -> \(to)")
                }
            }
        case "counts":
            let control = daemon.controlCounts
            let sessions = daemon.listeners.reduce(0) { $0 + $1.sessions.count }
            return "participants=\(participants.count) sessions=\(sessions) nodes=\(daemon.router.all.count) "
                + "connections=\(control.connections) requests=\(control.requests) abandoned=\(control.abandoned)"
        case "unread": return "\(daemon.controlCounts.unread)"
        case "haste": daemon.haste = max(1, try number(arguments, 0))
        case "deaf": daemon.controlIsDeaf = true
        case "hang": hung = true
        case "resume":
            hung = false
            if daemon.controlIsDeaf { daemon.controlIsDeaf = false }
        case "close": try listener.closePort(try port(arguments, 0))
        case "crash": try crash(arguments.first ?? "")
        default: throw Refusal(why: "unknown command '\(command)'")
        }
        return ""
    }

    // MARK: Participants

    private var listener: Listener {
        get throws {
            guard let listener = daemon.listeners.first else { throw Refusal(why: "it listens to nothing") }
            return listener
        }
    }

    private func make(_ arguments: [String]) throws -> Participant {
        let id = participants.count + 1
        let participant = Participant(
            id: id, name: try bytes(arguments, 0), ssrc: .random(in: 1...UInt32.max),
            initiatorID: .random(in: 1...UInt32.max), address: "::ffff:127.0.0.1", port: 21000 + 2 * (id - 1))
        for word in arguments.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            switch (parts[0], parts.count == 2 ? parts[1] : "") {
            case ("ssrc", let value): participant.ssrc = UInt32(value, radix: 16) ?? participant.ssrc
            case ("initiator", let value): participant.initiatorID = UInt32(value, radix: 16) ?? participant.initiatorID
            case ("address", let value): participant.address = value
            case ("port", let value): participant.port = Int(value) ?? participant.port
            default: throw Refusal(why: "unknown option '\(word)'")
            }
        }
        participants[id] = participant
        return participant
    }

    private func invite(_ participant: Participant, _ ports: [SessionPort]) throws {
        participant.silent = false
        for port in ports { try listener.invitation(from: participant, at: port) }
    }

    private func bye(_ participant: Participant, _ port: SessionPort) throws {
        try listener.session(of: participant)?.bye(from: participant, at: port)
    }

    private func vanish(_ participant: Participant, ghost: Bool) throws {
        participant.silent = true
        guard let session = try listener.session(of: participant) else { return }
        if ghost { session.cancelTimer() } else { session.armTimer() }
    }

    /// Each turn is one full re-invitation, so two more ALSA ports, and takes the session over from the other.
    private func collide(_ one: Participant, _ other: Participant, turns: Int) throws {
        one.initiatorID = 0
        other.initiatorID = 0
        for turn in 0..<turns { try invite(turn.isMultiple(of: 2) ? one : other, [.control, .midi]) }
    }

    private func crash(_ how: String) throws {
        switch how {
        case "abort": abort()
        case "segv":
            kill(getpid(), SIGSEGV)
            while true { pause() }
        default:
            guard let code = Int32(how) else { throw Refusal(why: "abort, segv or an exit code") }
            _exit(code)
        }
    }

    // MARK: Words

    private func participant(_ arguments: [String], _ index: Int = 0) throws -> Participant {
        guard let participant = participants[try number(arguments, index)] else {
            throw Refusal(why: "no such participant")
        }
        return participant
    }

    private func port(_ arguments: [String], _ index: Int) throws -> SessionPort {
        switch index < arguments.count ? arguments[index] : "" {
        case "control": .control
        case "midi": .midi
        default: throw Refusal(why: "control or midi")
        }
    }

    private func number(_ arguments: [String], _ index: Int) throws -> Int {
        guard index < arguments.count, let number = Int(arguments[index]), number >= 0 else {
            throw Refusal(why: "a number")
        }
        return number
    }

    private func decimal(_ arguments: [String], _ index: Int) throws -> Double {
        guard index < arguments.count, let number = Double(arguments[index]) else {
            throw Refusal(why: "a decimal number")
        }
        return number
    }

    /// An empty name is written "-".
    private func bytes(_ arguments: [String], _ index: Int) throws -> [UInt8] {
        guard index < arguments.count else { throw Refusal(why: "hex digits") }
        if arguments[index] == "-" { return [] }
        guard let bytes = TestSupport.bytes(hex: arguments[index]) else { throw Refusal(why: "hex digits") }
        return bytes
    }
}
