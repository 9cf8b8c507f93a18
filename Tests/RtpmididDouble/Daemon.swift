import CLinux
import Glibc
import Linux

/// The double as a whole: what rtpmidid sets up at its start, in its order, and how it ends.
final class Daemon {
    let settings: Settings
    let log: Log
    let loop: EventLoop
    let router: Router
    let sequencer: any SequencerPorts
    private(set) var listeners: [Listener] = []
    private let control: ControlSocket
    private var drive: DriveSocket?
    private let signals: SignalDescriptor
    /// Work that the real daemon puts off to the end of the event it handles.
    var later: [(Daemon) -> Void] = []
    /// Why the loop ended.
    private var signal: CInt = 0

    /// The ALSA client could not be opened; the control socket's file is there already.
    struct NoSequencerError: Error {}

    init(_ settings: Settings) throws {
        self.settings = settings
        var log = Log()
        log.threshold = settings.version == "24.12" ? .debug : settings.logLevel
        self.log = log
        signals = try SignalDescriptor([SIGTERM, SIGINT])
        loop = try EventLoop()
        control = ControlSocket(path: settings.control, log: log)
        if getenv("RTPMIDID_DOUBLE_NO_ALSA") != nil {
            sequencer = NoSequencer(log: log)
        } else {
            guard let real = try? RealSequencer(name: settings.alsaName, log: log) else { throw NoSequencerError() }
            sequencer = real
        }
        router = Router(log: log, sequencer: sequencer)
    }

    /// Sets up the rest and serves until SIGTERM or SIGINT.
    func run() throws {
        // The double announces nothing: these lines stand for an avahi that answers at once.
        log.info("mdns_rtpmidi.cpp:358", "Connecting to Avahi")
        log.info("mdns_rtpmidi.cpp:416", "Client running")
        for name in settings.alsaAnnounces {
            router.add(.announce(name: name, port: sequencer.createPort(name, exported: true)))
        }
        for (index, announce) in settings.announces.enumerated() {
            let listener = Listener(announce, daemon: self)
            listeners.append(listener)
            _ = listener.portForOthers
            log.info("mdns_rtpmidi.cpp:625", "Announced \(index + 1) services")
            router.add(.listener(listener))
        }
        for name in settings.connectTo { addWaiter(name, endpoints: []) }
        drive = try DriveSocket(path: settings.control + ".drive", daemon: self)
        log.info("main.cpp:171", "Waiting for connections.")
        log.info("mdns_rtpmidi.cpp:521", "AVAHI_BROWSER_CACHE_EXHAUSTED")
        try sequencer.follow(loop) { [unowned self] bytes, port in router.heard(bytes, at: port) }
        loop.after(.milliseconds(100)) { [log, listeners] in
            if !listeners.isEmpty {
                log.info("mdns_rtpmidi.cpp:538", "AVAHI_ENTRY_GROUP_ESTABLISHED Group successfully established.")
            }
            log.info("mdns_rtpmidi.cpp:521", "AVAHI_BROWSER_ALL_FOR_NOW")
        }
        try control.serve(self)
        try loop.watch(signals.number, .read) { [unowned self] _ in
            signal = signals.next() ?? signal
            loop.stop()
        }
        try loop.run()
        log.info("main.cpp:49", "\(signal == SIGINT ? "SIGINT" : "SIGTERM") received. Closing.")
        log.error("poller.cpp:255", "epoll_wait failed: Interrupted system call")
        log.info("main.cpp:183", "FIN")
        control.shutDown()
    }

    func runLater() {
        while !later.isEmpty {
            let work = later
            later = []
            for item in work { item(self) }
        }
    }

    func createPort(for name: [UInt8]) -> Int {
        let port = sequencer.createPort(name, exported: true)
        log.info("local_alsa_peer.cpp:33", "Created alsapeer \(name), port \(port)")
        return port
    }

    func addWaiter(_ name: [UInt8], endpoints: [JSON]) {
        let port = sequencer.createPort(name, exported: true)
        router.add(.waiter(name: name, port: port, endpoints: endpoints))
    }

    // MARK: For the test that drives it

    /// In sessions that go out, which keep the real one's times, so many times faster.
    var haste = 1
    /// Accepting and reading of control clients, stopped and started again by the drive.
    var controlIsDeaf = false { didSet { control.setDeaf(controlIsDeaf) } }
    var controlCounts: ControlSocket.Counts { control.counts }

    /// Appends a line to `<control path>.said`: packets to participants, to be read also after the double has ended.
    func record(_ line: Text) {
        guard let file = fopen(settings.control + ".said", "a") else { return }
        defer { fclose(file) }
        let bytes = line.bytes + [10]
        fwrite(bytes, 1, bytes.count, file)
    }
}
