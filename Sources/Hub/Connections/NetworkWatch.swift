import Client
package import Linux
import Store
import Supervisor

/// The sessions of RTP-MIDI that are announced on the local network: avahi-browse(1) as one more child, which tells what
/// comes and goes for as long as it runs. Without Avahi nothing is found, which is said where the configuration wants it.
package final class NetworkWatch {
    private let context: HubContext
    private let hasChild: Bool
    private let process: EngineProcess
    /// What it tells, and what it complains of: there names of strangers stand as they are, with line ends.
    private var pipes: (output: OutputPipe, errors: OutputPipe)?
    private var registrations: [EventLoop.Registration] = []
    /// The beginning of a line whose end has not come yet.
    private var line: [UInt8] = []
    private var sightings = AnnouncedSession.Sightings()
    private var known: [AnnouncedSession] = []
    private var isStale = false
    /// A child has begun, and may not have told of all that is there. Meanwhile what the one before it has told stands.
    private var isBeginning = false
    private var complaint = ""
    private var problem: String?
    private var renewal: EventLoop.TimerID?
    private var patience = Duration.seconds(30)

    /// How long it takes a child to tell of what is there.
    private static let settling = Duration.seconds(3)
    private static let longestLine = 65536

    /// `hasChild`: without one it hears what a test tells it.
    init(_ context: HubContext, hasChild: Bool) {
        (self.context, self.hasChild) = (context, hasChild)
        process = Self.process(context.state, context.loop)
        process.prepare = { [unowned self] () throws(Service.Unfit) in try prepare() }
        process.report = { [unowned self] in handle($0) }
    }

    /// Also one that a hub has left behind.
    package static func process(_ state: StateDirectory, _ loop: EventLoop) -> EngineProcess {
        .avahi("discover", marks: [], state: state, loop: loop)
    }

    func begin() {
        // What one that was left behind tells nobody can hear.
        if process.adopt() { process.stop() }
        follow()
    }

    /// Does what the configuration has now.
    func follow() {
        guard context.configuration.discover != nil else { return end() }
        if hasChild { process.start() }
    }

    func end() {
        process.stop()
        forget()
    }

    private func forget() {
        guard !known.isEmpty || isStale else { return }
        (sightings, known, isStale) = (.init(), [], false)
        context.changed()
    }

    /// What is announced, those first that came first.
    var sessions: [AnnouncedSession] {
        if isStale, !isBeginning || known.isEmpty { (known, isStale) = (sightings.sessions, isBeginning) }
        return known
    }

    private func prepare() throws(Service.Unfit) -> ChildProgram {
        do {
            var program = try AnnouncedSession.browse()
            let (output, errors) = (try OutputPipe(), try OutputPipe())
            (program.output, program.errors) = (output.path, errors.path)
            pipes = (output, errors)
            return program
        } catch { throw Service.Unfit("\(error)") }
    }

    private func handle(_ report: Service.Report) {
        switch report {
        case .started(let pid): hasStarted(pid)
        case .cannotStart(let reason):
            forget()
            say(reason)
        case .exited(_, let expected):
            if let rest = pipes?.output.read() { hear(rest[...]) }
            if let rest = pipes?.errors.read() { note(complaint: rest) }
            close()
            defer { isBeginning = false }
            // What it has told stands until the next one tells; not where that ends at once, too.
            guard !expected, isBeginning else { return }
            forget()
            say("avahi-browse: \(complaint.isEmpty ? "it ended" : complaint): is avahi-daemon running?")
        case .adopted, .down: break
        }
    }

    private func hasStarted(_ pid: Int32) {
        (line, complaint, sightings, isStale, isBeginning) = ([], "", .init(), true, true)
        guard let (output, errors) = pipes else { return }
        for pipe in [output, errors] { pipe.isGiven() }
        watch(output) { [unowned self] in hear($0[...]) }
        watch(errors) { [unowned self] in note(complaint: $0) }
        context.loop.after(Self.settling) { [weak self] in
            guard let self, process.service.pid == pid else { return }
            isBeginning = false
            problem = nil
            process.service.markReady()
            context.changed()
        }
    }

    private func watch(_ pipe: OutputPipe, _ take: @escaping ([UInt8]) -> Void) {
        var registration: EventLoop.Registration?
        registration = try? context.loop.watch(pipe.reader.number, .read) { [unowned self] _ in
            if let bytes = pipe.read() { return take(bytes) }
            // The other one may still have something to tell.
            if let registration { context.loop.unwatch(registration) }
        }
        if let registration { registrations.append(registration) }
    }

    private func close() {
        for registration in registrations { context.loop.unwatch(registration) }
        (registrations, pipes) = ([], nil)
    }

    /// What the child tells.
    func hear(_ bytes: ArraySlice<UInt8>) {
        let pieces = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, piece) in pieces.enumerated() {
            // A longer one is cut, and then is none that is understood.
            line += piece.prefix(Self.longestLine - line.count)
            guard index < pieces.count - 1 else { break }
            sightings.read(line)
            line = []
        }
        isStale = true
        context.changed()
    }

    private func note(complaint bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let last = text.split(separator: "\n").last else { return }
        complaint = String(last.prefix(200))
        guard text.contains("Failed to resolve"), renewal == nil else { return }
        // It does not try again by itself.
        renewal = context.loop.after(patience) { [weak self] in
            guard let self else { return }
            renewal = nil
            if context.configuration.discover != nil { process.service.renew() }
        }
        patience = min(patience * 2, .seconds(1800))
    }

    private func say(_ reason: String) {
        guard problem != reason, !(context.configuration.discover ?? []).isEmpty else { return }
        problem = reason
        context.note(
            .notConnected, severity: .warning,
            "Nobody on the local network is found, whom `discover` would let in: \(reason)")
    }
}
