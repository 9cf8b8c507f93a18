import Glibc
package import Linux
package import Sequencer

/// What is there: every port of the sequencer that may be a device, from the moment it is plugged in until it is gone. It
/// belongs to the thread of its loop, and must outlive the loop's run.
package final class DeviceWatch {
    /// By place, so that two equal ones stand in the same order every time.
    package private(set) var devices: [Device] = []
    /// `devices` has changed.
    package var onChange: () -> Void = {}
    /// Why nothing is seen; nil where all is well.
    package private(set) var trouble: ALSAError?

    private let loop: EventLoop
    private var sequencer: SequencerHandle?
    private var registration: EventLoop.Registration?
    private var appearances: [Address: UInt32] = [:]
    private var isPlanned = false

    /// How often a sequencer that does not open is tried again, and what was seen compared with what is there.
    private static let pause = Duration.seconds(3)

    package init(loop: EventLoop) { self.loop = loop }

    /// Begins to look, on the thread of its loop. Where there is no sequencer yet, it goes on trying.
    package func start() {
        look()
        loop.every(Self.pause) { [unowned self] in look() }
    }

    private func look() {
        if sequencer == nil { open() }
        refresh()
    }

    private func open() {
        do {
            let sequencer = try SequencerHandle(name: "MIDI Hub devices")
            try sequencer.setInputPool(2000)
            try sequencer.hearOnlyAnnouncements()
            let ear = try sequencer.createPort(name: Array("announcements".utf8), [.write, .noExport])
            if case .impossible(let code) = sequencer.subscribe(from: .announce, to: ear) {
                throw ALSAError(code: code, call: "subscribe", thing: "0:1")
            }
            registration = try loop.watch(sequencer.descriptor, .read) { [unowned self] event in
                event.isDisjoint(with: .hangup) ? hear() : close()
            }
            (self.sequencer, trouble) = (sequencer, nil)
        } catch let error as ALSAError {
            trouble = error
        } catch { trouble = ALSAError(code: EIO, call: "watch", thing: "\(error)") }
    }

    /// The sequencer itself is gone.
    private func close() {
        if let registration { loop.unwatch(registration) }
        (registration, sequencer) = (nil, nil)
        change(to: [])
    }

    private func hear() {
        var isNews = false
        while let sequencer {
            switch sequencer.receive() {
            case .empty: return isNews ? refreshSoon() : ()
            case .failed: return close()
            case .overflow: isNews = true
            case .input(.announcement(let announcement)):
                switch announcement {
                case .unsubscribed: break
                case .portExited(let address):
                    end(address)
                    isNews = true
                case .clientExited(let client):
                    for device in devices where device.address.client == client { end(device.address) }
                    isNews = true
                case .clientStarted, .portStarted, .portChanged: isNews = true
                }
            case .input: break
            }
        }
    }

    /// It is told as gone at once, also where another has its number already.
    private func end(_ address: Address) {
        guard devices.contains(where: { $0.address == address }) else { return }
        appearances[address, default: 0] &+= 1
        change(to: devices.filter { $0.address != address })
    }

    /// A device with many ports is looked at once.
    private func refreshSoon() {
        guard !isPlanned else { return }
        isPlanned = true
        loop.after(.milliseconds(2)) { [unowned self] in
            isPlanned = false
            refresh()
        }
    }

    private func refresh() {
        guard let sequencer else { return }
        change(to: Self.list(sequencer) { [appearances] in appearances[$0] ?? 0 })
    }

    private func change(to found: [Device]) {
        guard found != devices else { return }
        devices = found
        onChange()
    }

    // MARK: Looking once

    /// What is there now, for a program that only shows it.
    package static func list() throws(ALSAError) -> [Device] {
        list(try SequencerHandle(name: "MIDI Hub devices"))
    }

    /// The same by a client that is there already, whose own ports are none.
    package static func list(
        _ sequencer: SequencerHandle, _ appearance: (Address) -> UInt32 = { _ in 0 }
    ) -> [Device] {
        var devices: [Device] = []
        for number in [0] + sequencer.clients() where number != sequencer.client {
            guard let client = sequencer.facts(of: number) else { continue }
            let program = client.owner.flatMap(Executable.name)
            let place = client.card.map(Self.place) ?? ""
            for port in sequencer.ports(of: number) where !port.capabilities.contains(.noExport) {
                let plays = port.capabilities.isSuperset(of: [.read, .subscribeRead])
                let hears = port.capabilities.isSuperset(of: [.write, .subscribeWrite])
                guard plays || hears else { continue }
                devices.append(
                    Device(
                        address: port.address, appearance: appearance(port.address),
                        client: String(decoding: client.name, as: UTF8.self),
                        port: String(decoding: port.name, as: UTF8.self), card: client.card, place: place, plays: plays,
                        hears: hears, exclusion: .of(client, port.kind, program: program)))
            }
        }
        return devices.sorted {
            ($0.place, $0.address.client, $0.address.port) < ($1.place, $1.address.client, $1.address.port)
        }
    }

    /// The path of the device behind a card, without the card's own number: the USB port that it is plugged into.
    private static func place(of card: Int) -> String {
        guard let path = realpath("/sys/class/sound/card\(card)", nil) else { return "" }
        defer { free(path) }
        let text = String(cString: path)
        return text.firstRange(of: "/sound/card").map { String(text[..<$0.lowerBound]) } ?? text
    }
}
