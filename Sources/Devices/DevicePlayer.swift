package import Client
import HubLink
package import Linux
import MIDI
import Rooms
import Sequencer

/// A device as a member of a room: what it plays goes there, what the others play comes to it, for as long as it is plugged in.
/// On a thread of its own, which joins the room as `midihub join` does.
package final class DevicePlayer {
    package enum Event: Sendable {
        /// What its session is called (its SSRC), before it begins.
        case began(UInt32)
        case joined
        /// It is not in the room, and tries again.
        case trouble(String)
        /// It cannot be a member.
        case failed(String)
    }
    fileprivate enum Order: Sendable { case leave }

    package let device: Device
    package let name: String
    private let orders: Mailbox<Order>
    private var thread: WorkerThread?

    /// - Parameters:
    ///   - isUnknown: something may sound there that nobody will end, played by a program that was killed.
    ///   - tell: called on the player's thread.
    package init(
        _ device: Device, name: String, host: Initiator.Host, isUnknown: Bool,
        tell: @escaping @Sendable (Event) -> Void
    ) throws(Errno) {
        (self.device, self.name) = (device, name)
        let orders = try Mailbox<Order>()
        self.orders = orders
        thread = try WorkerThread("device") {
            RealTime.askForThisThread()
            do {
                try PlayerLoop(device, name: name, host: host, isUnknown: isUnknown, tell: tell).run(orders)
            } catch { tell(.failed("\(error)")) }
        }
    }

    /// Lets go of everything and says goodbye: who hears it knows at once. `wait`: until that is done.
    package func end(wait: Bool) {
        orders.send(.leave)
        let running = thread.take()
        if wait { running?.join() } else { running?.detach() }
    }
}

/// The thread at work.
private final class PlayerLoop {
    private let device: Device
    private let loop: EventLoop
    private let port: VirtualPort
    private let group: HubGroup
    private let isUnknown: Bool
    private let tell: (DevicePlayer.Event) -> Void
    /// Of the port; nil once it is leaving.
    private var registration: EventLoop.Registration?

    /// Somebody may have ended the subscriptions.
    private static let pause = Duration.seconds(3)

    init(
        _ device: Device, name: String, host: Initiator.Host, isUnknown: Bool,
        tell: @escaping (DevicePlayer.Event) -> Void
    ) throws {
        (self.device, self.isUnknown, self.tell) = (device, isUnknown, tell)
        loop = try EventLoop()
        port = try VirtualPort(client: AttachedDevice.clientName(name), port: name, isHidden: true)
        group = try HubGroup([host], name: name, loop: loop)
    }

    func run(_ orders: Mailbox<DevicePlayer.Order>) throws {
        tell(.began(group.origin.rawValue))
        try loop.receive(orders) { [unowned self] _ in leave() }
        registration = try loop.watch(port.descriptor, .read) { [unowned self] event in
            guard event.isDisjoint(with: .hangup) else { return fail() }
            port.receive { octets in if let messages = try? MIDIBytes.split(octets) { group.send(messages) } }
        }
        group.onNews = { [unowned self] news, _ in
            switch news {
            case .up: tell(.joined)
            case .down(let reason, _, _): tell(.trouble(reason))
            case .measured, .linked, .unlinked: break
            }
        }
        group.identify(LinkIdentity(client: device.client, port: device.port))
        group.onReceived = { [unowned self] in port.send($0.bytes) }
        connect()
        loop.every(Self.pause) { [unowned self] in connect() }
        if isUnknown { for message in HeldState.silencing { port.send(message.bytes) } }
        group.start()
        try loop.run()
    }

    /// Not once it is leaving: another may have the device's number then.
    private func connect() {
        if registration != nil { port.connect(device.address, plays: device.plays, hears: device.hears) }
    }

    /// The sequencer itself is gone.
    private func fail() {
        tell(.failed("the ALSA sequencer is gone"))
        leave()
    }

    private func leave() {
        guard let registration = registration.take() else { return }
        loop.unwatch(registration)
        group.leave { [unowned self] in loop.stop() }
    }
}
