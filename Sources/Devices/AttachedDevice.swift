package import Linux
package import Sequencer

/// One device of this machine, whenever it is there: the first that a pattern takes, connected with a port of ours both ways.
/// It belongs to the thread of its loop, and must outlive the loop's run.
package final class AttachedDevice {
    package private(set) var device: Device?
    package var onCome: (Device) -> Void = { _ in }
    package var onGo: (Device) -> Void = { _ in }

    private let pattern: DevicePattern
    private let port: VirtualPort
    private let watch: DeviceWatch
    private let loop: EventLoop

    package init(_ pattern: DevicePattern, port: VirtualPort, loop: EventLoop) {
        (self.pattern, self.port, self.loop) = (pattern, port, loop)
        watch = DeviceWatch(loop: loop)
        watch.onChange = { [unowned self] in follow() }
    }

    /// Begins to look for it.
    package func start() {
        watch.start()
        loop.every(.seconds(3)) { [unowned self] in connect() }
    }

    /// It stays with the one that it has, until that is gone.
    private func follow() {
        let found = watch.devices.filter(pattern.takes)
        if let device, !found.contains(device) {
            port.disconnect(device.address)
            self.device = nil
            onGo(device)
        }
        if device == nil, let next = found.first {
            device = next
            connect()
            onCome(next)
        }
    }

    /// Again, where somebody has ended it.
    private func connect() {
        if let device { port.connect(device.address, plays: device.plays, hears: device.hears) }
    }
}
