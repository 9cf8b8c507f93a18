import Linux

/// Where orders of Open Sound Control come in. On the hub's loop.
final class OSCDoor {
    /// The order of a person at a desk or in a show's program.
    static let address = "/midihub/failover/switch"
    /// Some send each message several times, for that one may get lost.
    private static let pause: Duration = .milliseconds(250)

    let settings: ConfigurationFailover.OSC
    private let loop: EventLoop
    private let socket: DatagramSocket
    private var registration: EventLoop.Registration?
    private var orderedAt = ContinuousClock.now.advanced(by: .seconds(-1))

    /// `onOrder` gets from where, and whether that is allowed.
    init(
        _ settings: ConfigurationFailover.OSC, loop: EventLoop, onOrder: @escaping (SocketAddress, Bool) -> Void
    ) throws(Errno) {
        (self.settings, self.loop) = (settings, loop)
        socket = try DatagramSocket(port: settings.listen.port, host: settings.listen.host)
        registration = try loop.watch(socket.number, .read) { [unowned self] _ in
            _ = socket.receive { datagram, from in
                let bytes = datagram.withUnsafeBytes { Array($0) }
                let isOrder = OSCMessage.all(in: bytes).contains { $0.address == Self.address && $0.isOn ?? true }
                guard isOrder else { return }
                let isAllowed = settings.allow.contains { $0.contains(from) }
                if isAllowed {
                    guard orderedAt.duration(to: .now) > Self.pause else { return }
                    orderedAt = .now
                }
                onOrder(from, isAllowed)
            }
        }
    }

    func close() {
        if let registration { loop.unwatch(registration) }
        registration = nil
    }
}
