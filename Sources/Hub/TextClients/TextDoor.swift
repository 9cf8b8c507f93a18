import Client
import Glibc
import Linux

/// A TCP port on which clients come in, on the hub's loop.
final class TextDoor {
    /// What it leads to. A door that is to lead elsewhere is another one.
    struct Place: Hashable {
        let address: Sockets.Address
        let room: String
        let host: Initiator.Host
    }
    let place: Place
    private let socket: Descriptor
    private let loop: EventLoop
    private var registration: EventLoop.Registration?
    private let admit: (consuming Descriptor, SocketAddress, Place) -> Void

    /// How many are let in before others get their turn.
    private static let acceptedAtOnce = 16
    /// How long it stays shut when the system has no descriptor or memory for one more.
    private static let scarcity: Duration = .milliseconds(500)

    init(
        _ place: Place, _ loop: EventLoop, _ admit: @escaping (consuming Descriptor, SocketAddress, Place) -> Void
    ) throws(Errno) {
        (self.place, self.loop, self.admit) = (place, loop, admit)
        socket = try Self.listen(place.address)
        registration = try loop.watch(socket.number, .read) { [unowned self] _ in accept() }
    }

    /// On a machine without IPv6 every address is every IPv4 address.
    private static func listen(_ address: Sockets.Address) throws(Errno) -> Descriptor {
        do throws(Errno) { return try Sockets.listen(address) } catch {
            guard error.code == EAFNOSUPPORT, address.host == "::" else { throw error }
            return try Sockets.listen(.init(host: "0.0.0.0", port: address.port))
        }
    }

    func close() { if let registration = registration.take() { loop.unwatch(registration) } }

    private func accept() {
        do throws(Errno) {
            for _ in 0..<Self.acceptedAtOnce {
                guard let accepted = try Sockets.accept(socket) else { return }
                guard let peer = accepted.peer, let address = SocketAddress(host: peer.host, port: peer.port) else {
                    continue
                }
                admit(accepted.intoSocket(), address, place)
            }
        } catch {
            guard let registration else { return }
            loop.change(registration, to: [])
            loop.after(Self.scarcity) { [weak self] in
                if let self, let registration = self.registration { loop.change(registration, to: .read) }
            }
        }
    }
}
