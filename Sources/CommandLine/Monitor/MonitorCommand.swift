import Foundation
import Glibc
import Hub
import Linux
import WebAPI

/// `midihub monitor`: who plays what now.
enum MonitorCommand {
    static let explanation = """
        A row for each participant: its round trip, the notes that sound now, controllers, programs, pressure and bend that
        are not at rest. On a terminal it is drawn again in place until q or Ctrl-C; elsewhere it is a line for each change.
        When the hub is lost it says so, and goes on when it is back.
          --once   as it is now, and no more
        """

    static func run(_ options: Options) -> ExitCode {
        let client = options.client
        guard let status = client.get("/api/v1/status", as: API.Status.self) else { return client.complain() }
        guard !options.once else {
            guard let participants = client.participants(),
                let sounds = client.get("/api/v1/sounding", as: API.SoundsList.self)
            else { return client.complain() }
            let picture = MonitorPicture(status, participants, sounds.sounding)
            let width = Screen.size?.width ?? 120
            for line in picture.lines(width: width, Style.standard, at: .now) { Output.line(line) }
            return .well
        }
        do {
            return try Monitor(client.endpoint).run()
        } catch {
            Output.complain("monitor: \(error)")
            return .unavailable
        }
    }
}

/// The monitor at work.
private final class Monitor {
    private let loop: EventLoop
    private let stream: HubStream
    private let signals: SignalDescriptor
    private var picture = MonitorPicture()
    /// nil where standard output is no terminal.
    private let screen: Screen?
    private let style = Style.standard
    private var isDrawing = false
    /// What a log of lines has said of each, and of the hub.
    private var shown: [Int64: String] = [:]
    private var remarked: [String] = []

    private static let path = "/api/v1/stream?views=status,participants,activity,sounding"

    init(_ endpoint: HubClient.Endpoint) throws {
        Signals.ignorePipe()
        signals = try SignalDescriptor([SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP, SIGCONT])
        loop = try EventLoop()
        stream = HubStream(endpoint, path: Self.path, loop: loop)
        screen = Screen.size == nil ? nil : Screen()
    }

    func run() throws -> ExitCode {
        try loop.watch(signals.number, .read) { [unowned self] _ in
            while let signal = signals.next() { handle(signal) }
        }
        stream.onNews = { [unowned self] in handle($0) }
        screen?.open()
        defer {
            stream.end()
            screen?.close()
        }
        if screen != nil, isatty(0) == 1 {
            try loop.watch(0, .read) { [unowned self] _ in readKeys() }
        }
        // "last seen 12 s ago"
        loop.every(.seconds(1)) { [unowned self] in if picture.lost != nil { drawSoon() } }
        stream.start()
        try loop.run()
        return .well
    }

    private func handle(_ signal: CInt) {
        switch signal {
        case SIGWINCH: drawSoon()
        case SIGTSTP:
            screen?.close()
            kill(getpid(), SIGSTOP)
        case SIGCONT:
            screen?.open()
            drawSoon()
        default: loop.stop()
        }
    }

    private func readKeys() {
        var keys = [UInt8](repeating: 0, count: 64)
        let count = read(0, &keys, keys.count)
        if count < 0, [EINTR, EAGAIN].contains(errno) { return }
        // The terminal is gone, or q.
        if count <= 0 || keys[..<count].contains(where: { [UInt8(ascii: "q"), UInt8(ascii: "Q")].contains($0) }) {
            loop.stop()
        }
    }

    private func handle(_ news: HubStream.News) {
        switch news {
        case .up:
            if picture.lost != nil, screen == nil { say("The hub is back.") }
            picture.begin()
        case .lost(let text):
            if picture.lost == nil, screen == nil { say("The hub is lost (\(Output.safe(text))).") }
            picture.lose(text, at: .now)
        case .message(let message): picture.apply(message, at: .now)
        }
        if screen == nil { sayChanges() } else { drawSoon() }
    }

    // MARK: On a terminal

    /// At most ten times a second.
    private func drawSoon() {
        guard !isDrawing, screen != nil else { return }
        isDrawing = true
        loop.after(.milliseconds(100)) { [unowned self] in
            isDrawing = false
            draw()
        }
    }

    private func draw() {
        let now = ContinuousClock.now
        let (width, height) = Screen.size ?? (80, 24)
        screen?.draw(picture.lines(width: width, height: height, style, at: now, footer: "q ends"))
        if let next = picture.nextChange(after: now) { loop.at(next) { [unowned self] in drawSoon() } }
    }

    // MARK: Elsewhere

    private func sayChanges() {
        guard picture.lost == nil else { return }
        for text in picture.remarks where !remarked.contains(text) { say("! \(Output.safe(text))") }
        remarked = picture.remarks
        for one in picture.sorted {
            let sounds = picture.sounds[one.id].map(NoteNames.text) ?? ""
            if shown[one.id] == nil {
                shown[one.id] = ""
                say("\(TextColumns.fit(one.name, 64)) is in \(TextColumns.fit(one.room, 40)).")
            }
            guard shown[one.id] != sounds, let text = picture.text(of: one.id) else { continue }
            shown[one.id] = sounds
            say(text)
        }
        for id in shown.keys where picture.participants[id] == nil { shown[id] = nil }
    }

    private func say(_ text: String) {
        Output.line("\(Output.time(SystemTime.unixMilliseconds))  \(text)")
        // The reader of standard output has gone.
        if Output.isLost { loop.stop() }
    }
}
