import Client
import Engine
import EngineProtocol
import Foundation
import Glibc
import Hub
import HubLink
import Linux
import MIDI
import PatchBay
import Sequencer

/// `midihub join` at work: its sessions, and the inputs and outputs connected to them.
final class Join {
    enum Dump { case text, json }

    private let loop: EventLoop
    private let signals: SignalDescriptor
    private let group: HubGroup
    private let name: String
    private let input: HexInput
    private let port: VirtualPort?
    private let dump: Dump?
    private let record: String?
    private var recording: MIDIFileWriter
    private var recordingSince: ContinuousClock.Instant?
    private var music: [(at: Duration, bytes: [UInt8])]
    private var isBegun = false
    private var isEnding = false
    private var exitCode = ExitCode.well

    init(
        _ hosts: [Initiator.Host], name: String, play: [(at: Duration, bytes: [UInt8])]?, record: String?, dump: Dump?
    ) throws {
        Signals.ignorePipe()
        // In the background of a shell the terminal cannot be read. That counts as the end of input; the signal would
        // stop us.
        signal(SIGTTIN, SIG_IGN)
        signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
        let loop = try EventLoop()
        self.loop = loop
        group = try HubGroup(hosts, name: name, loop: loop)
        self.name = name
        input = HexInput(loop: loop)
        recording = MIDIFileWriter(name: name)
        // Written at once, so that an unwritable file shows now and not after an hour of playing.
        if let record { try File.replace(record, with: recording.bytes) }
        (self.record, self.dump, music) = (record, dump, play ?? [])
        port = Self.virtualPort(name)
    }

    private static func virtualPort(_ name: String) -> VirtualPort? {
        guard File.opensForReadingAndWriting("/dev/snd/seq") == nil else { return nil }
        do throws(ALSAError) {
            let port = try VirtualPort(name: name)
            Output.complain("the ALSA port \(port.address) is \(name)")
            return port
        } catch {
            Output.complain("no ALSA port: \(error)")
            return nil
        }
    }

    /// Returns when a signal has ended it and everyone has been told.
    func run() throws -> ExitCode {
        try loop.watch(signals.number, .read) { [unowned self] _ in
            while signals.next() != nil { end() }
        }
        if let port {
            try loop.watch(port.descriptor, .read) { [unowned self] _ in
                port.receive { octets in if let messages = try? MIDIBytes.split(octets) { send(messages) } }
            }
        }
        group.onNews = { [unowned self] in tell($0, of: group.hubs[$1]) }
        group.onReceived = { [unowned self] in received($0) }
        group.onRoom = { [unowned self] in beginOnce() }
        group.onSelected = { [unowned self] in tellSelected($0) }
        for hub in group.hubs { Output.complain("inviting \(hub.host), UDP port \(hub.host.port)") }
        group.start()
        try loop.run()
        return exitCode
    }

    private func send(_ messages: [[UInt8]]) {
        group.send(messages)
        if !group.hasRoom { input.pause() }
    }

    // MARK: Life

    private func tell(_ news: Initiator.Event, of hub: Initiator) {
        switch news {
        case .up(let theirs, let address):
            let words = theirs.map { $0.isEmpty ? "" : " \($0) at" } ?? ""
            Output.complain("joined\(words) \(address) as \(name)")
        case .down(let reason, let wasUp, let retry):
            let what =
                wasUp
                ? "the session with \(hub.host) has ended: \(reason)"
                : Self.text(forFailure: reason, hub.host)
            let seconds = Double(retry.components.seconds) + Double(retry.components.attoseconds) / 1e18
            Output.complain(what + String(format: "; trying again in %.0f s", max(1, seconds)))
        case .linked:
            let linked = group.hubs.filter(\.isLinked)
            if linked.count > 1 {
                let names = linked.map(\.host.description).joined(separator: " and ")
                Output.complain("what comes by \(names) is heard once: any of them may die without a gap")
            }
        case .unlinked:
            if group.hubs.count > 1 {
                Output.complain(
                    "\(hub.host) does not number events (another program, an older hub, or one with rtpmidid): "
                        + "what it says cannot be merged with another hub's")
            }
        case .measured: return
        }
        beginOnce()
    }

    private func tellSelected(_ hub: Int?) {
        guard group.hubs.count > 1, let hub, group.hubs[hub].isLinkDecided else { return }
        Output.complain("now \(group.hubs[hub].host) is heard")
    }

    /// Input and music wait until each session is up or has failed once, so that every session gets everything; after
    /// that, input is read while at least one session is up.
    private func beginOnce() {
        if !isBegun {
            guard group.isUp, group.hasTried || group.hubs.count == 1 else { return }
            isBegun = true
            play(from: 0, since: .now)
            input.onMessages = { [unowned self] in send($0) }
        }
        if group.isUp, group.hasRoom, !isEnding { input.resume() } else { input.pause() }
    }

    private func end() {
        if isEnding {
            // Asked a second time: ends at once, without waiting for goodbyes.
            save()
            loop.stop()
            return
        }
        isEnding = true
        input.pause()
        group.leave { [unowned self] in
            printLines(all: true)
            save()
            loop.stop()
        }
    }

    // MARK: Out

    private func play(from first: Int, since start: ContinuousClock.Instant) {
        var next = first
        let now = ContinuousClock.now
        while next < music.count, start + music[next].at <= now { next += 1 }
        send(music[first..<next].map(\.bytes))
        if next < music.count {
            loop.after(now.duration(to: start + music[next].at)) { [unowned self] in
                if !isEnding { play(from: next, since: start) }
            }
        } else if !music.isEmpty {
            music = []
            Output.complain("the music is played")
        }
    }

    // MARK: In

    private func received(_ message: HubGroup.Received) {
        port?.send(message.bytes)
        if record != nil {
            let since = recordingSince ?? .now
            recordingSince = since
            recording.append(message.bytes, at: since.duration(to: .now))
        }
        if let dump { print(message, as: dump) }
    }

    /// What is printed of a message that came: `by` are the hubs that it came by, `hub` the first of them; `origin` and
    /// `number` are those of a numbered event.
    private struct Line: Encodable {
        let time: Int64
        let hub: String?
        var by: [String]?
        let timestamp: UInt32
        let bytes: String
        let repair: Bool
        let origin: UInt32?
        let number: UInt32?
    }
    /// Lines that wait for the copies of other hubs.
    private var lines: [(line: Line, message: HubGroup.Received, due: ContinuousClock.Instant)] = []
    private var isPrintPlanned = false
    private static let copyTime = Duration.milliseconds(100)

    private func print(_ message: HubGroup.Received, as dump: Dump) {
        let hex = message.bytes.map { String(format: "%02x", $0) }.joined()
        let milliseconds = SystemTime.unixMilliseconds
        switch dump {
        case .text:
            let clock = Output.time(milliseconds) + String(format: ".%03d", Int(milliseconds % 1000))
            write("\(clock)  \(message.timestamp)  \(hex)" + (message.isRepair ? "  repaired" : ""))
        case .json:
            let line = Line(
                time: milliseconds, hub: message.hub.map { group.hubs[$0].host.description },
                timestamp: message.timestamp, bytes: hex, repair: message.isRepair,
                origin: message.event?.origin.rawValue, number: message.event?.number.rawValue)
            let waits = message.event != nil && group.hubs.count(where: \.isLinked) > 1
            lines.append((line, message, waits ? .now + Self.copyTime : .now))
            printLines(all: false)
        }
    }

    /// Prints the lines whose time has come, in their order.
    private func printLines(all: Bool) {
        let count = all ? lines.count : lines.prefix { $0.due <= .now }.count
        for (line, message, _) in lines.prefix(count) {
            var line = line
            if let event = message.event { line.by = group.hubs(of: event).map { group.hubs[$0].host.description } }
            write(JSON.text(line))
        }
        lines.removeFirst(count)
        guard let next = lines.first, !isPrintPlanned else { return }
        isPrintPlanned = true
        loop.at(next.due) { [unowned self] in
            isPrintPlanned = false
            printLines(all: false)
        }
    }

    private func write(_ text: String) {
        Output.line(text)
        // The reader of standard output has gone.
        if Output.isLost, !isEnding { end() }
    }

    private func save() {
        guard let record else { return }
        do throws(Errno) {
            try File.replace(record, with: recording.bytes)
            Output.complain("\(Output.count(recording.count, "message")) in \(record)")
        } catch {
            Output.complain("the recording is lost: \(error)")
            exitCode = .unavailable
        }
    }
}

extension Join {
    /// Why no session came about, with the host and what may be looked at there.
    package static func text(forFailure reason: String, _ host: Initiator.Host) -> String {
        let text = reason.contains(host.name) ? reason : "\(host): \(reason)"
        if reason.hasPrefix("refused") {
            return "\(text) (it is full, or lets nobody in from this address)"
        }
        if reason.hasSuffix("no answer") || reason.contains("not on the port behind it") {
            return
                "\(text) (does a hub run there, and may UDP ports \(host.port) and \(host.port + 1) pass its firewall?)"
        }
        return text
    }
}
