import Client
import Devices
import Glibc
import Hub
import HubLink
import Linux
import MIDI

/// `midihub join` at work: its sessions, and the inputs and outputs connected to them.
final class Join {
    private let settings: JoinSettings
    private let name: String
    private let loop: EventLoop
    private let signals: SignalDescriptor
    private let group: HubGroup
    private let input: HexInput
    private let port: JoinPort
    private var printer: JoinPrinter?
    private var recorder: JoinRecorder?
    private var music: [(at: Duration, bytes: [UInt8])] = []
    private var search: HubSearch?
    /// Who waits to be told that it is ready; where one does, it runs as a service.
    private let service = ServiceManager(Programs.environment)
    private var statusSocket: JoinStatusSocket?
    private let since = SystemTime.unixMilliseconds
    /// What it waits for, and why each hub is away.
    private var waits: String?
    private var troubles: [Int: String] = [:]
    private var isBegun = false
    private var isEnding = false
    private var exitCode = ExitCode.well

    init(_ settings: JoinSettings, dump: JoinPrinter.Format?) throws {
        Signals.ignorePipe()
        // In the background of a shell the terminal cannot be read. That counts as the end of input; the signal would
        // stop us.
        signal(SIGTTIN, SIG_IGN)
        signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP])
        loop = try EventLoop()
        (self.settings, name) = (settings, settings.shownName)
        let isKnown = !settings.hosts.isEmpty && settings.room == nil
        group = try HubGroup(isKnown ? settings.hosts : [], name: name, loop: loop)
        group.findsPartner = !settings.oneHub
        input = HexInput(loop: loop)
        port = JoinPort(
            name, clone: settings.clone, device: settings.device, thru: settings.thru, loop: loop)
        if let play = settings.play { music = try Self.music(play) }
        recorder = try settings.record.map { try JoinRecorder($0, name: name) }
        printer = dump.map { JoinPrinter($0, of: group, loop: loop) { [unowned self] in if !isEnding { end() } } }
        if !isKnown { search = try HubSearch(settings.hosts, room: settings.room, loop: loop) }
    }

    private static func music(_ path: String) throws -> [(at: Duration, bytes: [UInt8])] {
        let bytes = try File.read(path, limit: StandardMIDIFile.largest)
        do throws(MIDIFileError) {
            return try StandardMIDIFile(decoding: bytes).playback
        } catch { throw HubError("\(path): \(error)") }
    }

    /// Returns when a signal has ended it and everyone has been told.
    func run() throws -> ExitCode {
        try loop.watch(signals.number, .read) { [unowned self] _ in
            while signals.next() != nil { end() }
        }
        port.onPlayed = { [unowned self] in send($0) }
        group.onNews = { [unowned self] in tell($0, of: group.hubs[$1]) }
        group.onReceived = { [unowned self] in received($0) }
        group.onRoom = { [unowned self] in beginOnce() }
        group.onInstrument = { [unowned self] in port.learn(group.instruments.map(\.identity)) }
        group.onSelected = { [unowned self] in tellSelected($0) }
        openStatus()
        if let watchdog = service?.watchdog {
            loop.every(watchdog / 3) { [unowned self] in service?.tell(["WATCHDOG": "1"]) }
        }
        service?.tell(["READY": "1"])
        search?.onFinding = { [unowned self] in consider($0) }
        if let pattern = settings.device {
            wait(for: "\(pattern) to be plugged in")
            port.onDevice = { [unowned self] in begin(with: $0) }
            port.onNoDevice = { [unowned self] in rest(without: $0, pattern) }
            port.attach()
        } else {
            enter()
        }
        try loop.run()
        statusSocket?.close()
        return exitCode
    }

    /// Joins, for the first time or once more.
    private func enter() {
        waits = nil
        if let search, group.hubs.isEmpty { return search.look() }
        tellInviting()
        group.start()
    }

    /// A member is who is there: its hubs know at once that a device is gone, and end what it held.
    private func rest(without absence: AttachedDevice.Absence, _ pattern: DevicePattern) {
        guard !isEnding else { return }
        group.leave {}
        switch absence {
        case .gone(let device):
            wait(for: "\(device.fullName) to be plugged in again: it is gone, and the others are told")
        case .taken(let device, let name):
            wait(for: "another \(pattern) to be plugged in: \(device.fullName) is taken, as \(name)")
        case .missing: wait(for: "\(pattern) to be plugged in")
        }
    }

    private func begin(with device: Device) {
        guard !isEnding else { return }
        say("\(device.fullName) is there, as \(device.address)")
        group.identify(LinkIdentity(client: device.client, port: device.port))
        enter()
    }

    // MARK: How it is

    private func openStatus() {
        guard let directory = JoinStatusSocket.directory else { return }
        do throws(Errno) {
            statusSocket = try JoinStatusSocket(in: directory, loop: loop) { [unowned self] in status }
        } catch { Output.complain("`midihub join --status` will not find it: \(error)") }
    }

    private var status: JoinStatus {
        JoinStatus(
            program: Version.text, pid: getpid(), name: name, since: since, waits: waits,
            hubs: group.hubs.indices.map { JoinStatus.Hub($0, of: group, trouble: troubles[$0]) },
            playing: JoinStatus.notes(group.played), hearing: JoinStatus.notes(group.heard),
            port: port.status, clone: cloneStatus, device: port.deviceStatus)
    }

    private var cloneStatus: JoinStatus.Clone? {
        guard settings.clone != nil else { return nil }
        let isHere = group.instruments.contains { $0.identity == port.identity && $0.isHere }
        return .init(client: port.identity?.client, port: port.identity?.port, isHere: isHere)
    }

    private func say(_ text: String) {
        Output.complain(text)
        service?.tell(["STATUS": text])
    }

    // MARK: Finding a hub

    private func consider(_ finding: HubSearch.Finding) {
        guard !isEnding, group.hubs.isEmpty else { return }
        switch finding {
        case .one(let host, let others):
            let names = others.map { "\"\($0.name)\"" }.joined(separator: ", ")
            Output.complain("found \"\(host)\" on this network" + (names.isEmpty ? "" : " (there is also \(names))"))
            begin(on: [host])
        case .rooms(let hosts): begin(on: hosts)
        case .none:
            wait(
                for: "a hub to be announced on this network (one elsewhere is joined by its name: `midihub join HOST`)")
        case .several(let sessions): choose(among: sessions, "several hubs and rooms are announced on this network")
        case .others(let sessions):
            choose(among: sessions, "there is no room \"\(settings.room ?? "")\" among those that are announced")
        case .failed(let reason):
            if service == nil, waits == nil {
                let way = "no hub is found on this network; one elsewhere is joined by its name: `midihub join HOST`"
                return give(up: settings.hosts.isEmpty ? [reason, way] : [reason], .unavailable)
            }
            wait(for: "a hub to be found on this network: \(reason)")
        }
    }

    private func begin(on hosts: [Initiator.Host]) {
        waits = nil
        do throws(Errno) { try group.start(on: hosts) } catch { return give(up: ["\(error)"], .unavailable) }
        // It was pulled out while hubs were looked for.
        if port.isAway { return group.leave {} }
        tellInviting()
    }

    /// A person is asked, a service waits until somebody has chosen.
    private func choose(among sessions: [AnnouncedSession], _ text: String) {
        guard service != nil else {
            return give(up: ["\(text); say which one is meant:"] + HubSearch.list(sessions), .misuse)
        }
        let names = HubSearch.choices(for: sessions).map { "\"\($0)\"" }.joined(separator: ", ")
        let file = JoinSettings.path ?? "join.json5"
        wait(for: "a choice: \(text); name one of \(names) as `room` in \(file), and restart it")
    }

    private func wait(for what: String) {
        let text = "waiting for \(what)"
        if waits != text { say(text) }
        waits = text
        if !port.isAway { search?.lookAgain() }
    }

    private func give(up lines: [String], _ code: ExitCode) {
        for line in lines { Output.complain(line) }
        exitCode = code
        end()
    }

    private func tellInviting() {
        for hub in group.hubs { say("inviting \(hub.host), UDP port \(hub.host.port)") }
    }

    // MARK: Life

    private func tell(_ news: Initiator.Event, of hub: Initiator) {
        let index = group.hubs.firstIndex { $0 === hub } ?? 0
        switch news {
        case .up(let theirs, let address):
            let text = theirs.map { $0.isEmpty ? "" : " \($0) at" } ?? ""
            troubles[index] = nil
            say("joined\(text) \(address) as \(name)")
        case .down(let reason, let wasUp, let retry):
            let what =
                wasUp
                ? "the session with \(hub.host) has ended: \(reason)"
                : Self.text(forFailure: reason, hub.host)
            let seconds = Double(retry.components.seconds) + Double(retry.components.attoseconds) / 1e18
            troubles[index] = what
            say("\(what); trying again in \(Int(max(1, seconds).rounded())) s")
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
            if settings.clone != nil, group.hubs.allSatisfy({ $0.isLinkDecided && !$0.isLinked }) {
                Output.complain("\(hub.host) cannot tell what a controller is called")
                port.open()
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
        service?.tell(["STOPPING": "1"])
        input.pause()
        group.leave { [unowned self] in
            printer?.finish()
            save()
            loop.stop()
        }
    }

    private func save() { if let recorder, !recorder.save() { exitCode = .unavailable } }

    // MARK: Out and in

    private func send(_ messages: [[UInt8]]) {
        group.send(messages)
        if !group.hasRoom { input.pause() }
    }

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

    private func received(_ message: HubGroup.Received) {
        port.send(message.bytes)
        recorder?.record(message.bytes)
        printer?.print(message)
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
