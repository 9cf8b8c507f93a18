package import Linux
package import Sequencer

/// One device of this machine, whenever it is there: the first that a pattern takes and no other of ours has, connected with
/// a port of ours both ways. It belongs to the thread of its loop, and must outlive the loop's run.
package final class AttachedDevice {
    package enum Absence {
        case gone(Device)
        /// Each that is meant is another's; this is the first, and what that other is called.
        case taken(Device, by: String)
        /// Those that were another's are gone, too.
        case missing
    }

    package private(set) var device: Device?
    package var onCome: (Device) -> Void = { _ in }
    package var onAway: (Absence) -> Void = { _ in }

    private let pattern: DevicePattern
    private let port: VirtualPort
    private let watch: DeviceWatch
    private let loop: EventLoop
    private var isTaken = false

    /// What the clients of all begin with that have a device, whoever they take it for.
    package static func clientName(_ name: String) -> String { "\(mark)\(name)" }
    private static let mark = "MIDI Hub: "

    package init(_ pattern: DevicePattern, port: VirtualPort, loop: EventLoop) {
        (self.pattern, self.port, self.loop) = (pattern, port, loop)
        watch = DeviceWatch(loop: loop)
        watch.onChange = { [unowned self] in follow() }
    }

    /// Begins to look for it.
    package func start() {
        watch.start()
        loop.every(.seconds(3)) { [unowned self] in lookAgain() }
    }

    /// It stays with the one that it has, until that is gone.
    private func follow() {
        if let device, !watch.devices.contains(device) {
            letGo(of: device)
            onAway(.gone(device))
        }
        if device == nil { take() }
    }

    private func take() {
        let found = watch.devices.filter(pattern.takes)
        guard let next = found.first(where: { owner(of: $0) == nil }) else {
            if let first = found.first, let owner = owner(of: first) {
                isTaken = true
                onAway(.taken(first, by: owner.name))
            } else if isTaken {
                isTaken = false
                onAway(.missing)
            }
            return
        }
        (device, isTaken) = (next, false)
        connect(next)
        onCome(next)
    }

    /// Somebody may have ended the connection, or the one who had the device may have left. Of two who have taken it in one
    /// moment the one whose client has the lower number keeps it.
    private func lookAgain() {
        guard let device else { return take() }
        if let owner = owner(of: device), owner.client < port.address.client {
            letGo(of: device)
            onAway(.taken(device, by: owner.name))
            return take()
        }
        connect(device)
    }

    private func letGo(of device: Device) {
        port.disconnect(device.address)
        self.device = nil
    }

    private func connect(_ device: Device) {
        port.connect(device.address, plays: device.plays, hears: device.hears)
    }

    /// Who else of ours has it: the first of them.
    private func owner(of device: Device) -> (client: UInt8, name: String)? {
        for client in port.clients(at: device.address) {
            let name = String(decoding: client.name, as: UTF8.self)
            if name.hasPrefix(Self.mark), client.owner.flatMap(Executable.name) == "midihub" {
                return (client.number, String(name.dropFirst(Self.mark.count)))
            }
        }
        return nil
    }
}
