import Client
import Devices
import Hub
import HubLink
import Linux
import MIDI
import Sequencer

/// The ALSA port of a `join`, which people connect programs and instruments to. It is called as the member is, or
/// (`--clone`) as a controller that is plugged in elsewhere is called there: a program's settings for that controller then
/// work unchanged.
final class JoinPort {
    /// Which controller's names the port is to have.
    enum Clone: Equatable {
        /// The first that the room tells of.
        case first
        /// The first whose names are like this: the client's, the port's, or both with a colon between.
        case named(DevicePattern)

        init?(_ name: String) {
            guard let pattern = DevicePattern(name) else { return nil }
            self = .named(pattern)
        }

        func matches(_ identity: LinkIdentity) -> Bool {
            guard case .named(let pattern) = self else { return true }
            return [identity.client, identity.port, "\(identity.client):\(identity.port)"].contains(
                where: pattern.matches)
        }
    }

    var onPlayed: ([[UInt8]]) -> Void = { _ in }
    /// The device that it is attached to is there, or is not, or not any more.
    var onDevice: (Device) -> Void = { _ in }
    var onNoDevice: (AttachedDevice.Absence) -> Void = { _ in }

    private let name: String
    private let clone: Clone?
    private let device: DevicePattern?
    private let thru: Bool
    private let loop: EventLoop
    private var port: VirtualPort?
    private var names: (client: String, port: String)
    /// Controllers that people were told of; of more than a room has it is said no more.
    private(set) var told: Set<LinkIdentity> = []
    static let mostTold = 32
    private var attached: AttachedDevice?
    private var isTold = false
    /// The controller whose names it has.
    private(set) var identity: LinkIdentity?

    /// - Parameter device: what it is attached to, in place of being there for others.
    init(_ name: String, clone: Clone?, device: DevicePattern?, thru: Bool, loop: EventLoop) {
        (self.name, self.clone, self.loop, names) = (name, clone, loop, (name, name))
        (self.device, self.thru) = (device, thru)
        if clone == nil, device == nil { open() }
    }

    /// Looks for the device. Where there is no sequencer yet, it goes on trying.
    func attach() {
        guard let device, attached == nil else { return }
        do {
            let port = try VirtualPort(client: AttachedDevice.clientName(name), port: name, isHidden: true)
            try listen(to: port)
            let attached = AttachedDevice(device, port: port, loop: loop)
            attached.onCome = { [unowned self] in onDevice($0) }
            attached.onAway = { [unowned self] in onNoDevice($0) }
            self.attached = attached
            attached.start()
        } catch {
            if !isTold { Output.complain("no device is seen: \(error)") }
            isTold = true
            loop.after(.seconds(3)) { [unowned self] in attach() }
        }
    }

    private func listen(to port: VirtualPort) throws(Errno) {
        try loop.watch(port.descriptor, .read) { [unowned self] _ in
            port.receive { octets in
                guard let messages = try? MIDIBytes.split(octets) else { return }
                if thru { for message in messages { port.send(message) } }
                onPlayed(messages)
            }
        }
        self.port = port
    }

    /// A program looks at a port's names when it appears; so one that is to have other names waits for them, unless nobody
    /// will tell them.
    func open() {
        guard port == nil, File.opensForReadingAndWriting("/dev/snd/seq") == nil else { return }
        do {
            let port = try VirtualPort(client: names.client, port: names.port)
            try listen(to: port)
            let both = names.client == names.port ? names.client : "\(names.client):\(names.port)"
            Output.complain("the ALSA port \(port.address) is \(both)")
        } catch { Output.complain("no ALSA port: \(error)") }
    }

    /// The room has told what instruments are called.
    func learn(_ identities: [LinkIdentity]) {
        guard let clone else { return }
        // The one whose names it has, as long as the room knows it.
        let wanted = identities.first(where: { $0 == identity }) ?? identities.first(where: clone.matches)
        for other in identities where other != wanted && told.count < Self.mostTold && told.insert(other).inserted {
            Output.complain("there is a controller \(other.client):\(other.port) too (--clone \"\(other.client)\")")
        }
        guard let wanted, wanted != identity else { return }
        (identity, names) = (wanted, (wanted.client, wanted.port))
        guard let port else { return open() }
        do throws(ALSAError) {
            try port.rename(client: names.client, port: names.port)
            Output.complain("the ALSA port \(port.address) is now \(names.client):\(names.port)")
        } catch { Output.complain("the ALSA port keeps its name: \(error)") }
    }

    func send(_ message: [UInt8]) { port?.send(message) }

    /// It has a device, which is away.
    var isAway: Bool { device != nil && attached?.device == nil }

    var deviceStatus: JoinStatus.Device? {
        device.map { pattern in
            let there = attached?.device
            return .init(
                match: pattern.description, address: there.map { "\($0.address)" }, client: there?.client,
                port: there?.port, isHere: there != nil)
        }
    }

    var status: JoinStatus.Port? {
        device != nil ? nil : port.map { .init(address: "\($0.address)", client: names.client, port: names.port) }
    }
}
