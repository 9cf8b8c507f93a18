import EngineProtocol
import Glibc
import HubLink
import Linux
import RTPMIDI
import Rooms

/// The other hub of a pair: how it is reached, and what it has told. What that means for those who are here is the loop's
/// affair (`EngineLoop+Partner.swift`, `EngineLoop+Failover.swift`).
///
/// Each of the two dials the other and listens, on the number of the first control port of each of its rooms; of two
/// connections the one that the main hub has dialled stays. Events and beats go as datagrams to the other's data port, each in an envelope.
final class Partner {
    enum Event {
        case connected(PartnerLine.Hello)
        case line(PartnerLine)
        /// The connection has ended; what came before that can still be opened.
        case ending
        /// The same, when that is over: by the other side, whose process has ended then, or for a reason of the network.
        case ended(reason: String?)
        /// Nobody listens there.
        case refused
        case trouble(String)
    }

    /// Whoever does not say who it is within its time makes room for others.
    private static let mostTrials = 8
    private static let dialPause = Duration.seconds(1)
    private static let quickPause = Duration.milliseconds(50)

    let plan: FailoverPlan
    private let hello: PartnerLine.Hello
    private let loop: EventLoop
    private let crypto: Libcrypto
    private let host: String?
    private let ports: [UInt16]
    private let orders: Mailbox<EngineLoopCommand>
    private let onEvent: (Partner, Event) -> Void
    private var listeners: [UInt16: Listener] = [:]
    private var timer: EventLoop.TimerID?
    /// Connections on which nobody has shown yet that they know the secret.
    private var trials: [PartnerConnection] = []
    private(set) var connection: PartnerConnection?
    /// Connections that have been ended; they are let go of in a later turn, since one of them may be at work.
    private var over: [PartnerConnection] = []
    /// Where the partner's name leads, and its port for the rooms that are served here.
    private var addresses: [SocketAddress] = []
    private var dialPort: UInt16
    private var isClosed = false

    /// From which datagrams go to the partner, and to where.
    private let socket: DatagramSocket
    private var address: SocketAddress?

    init(
        _ plan: FailoverPlan, hello: PartnerLine.Hello, ports: [UInt16], host: String?, loop: EventLoop,
        orders: Mailbox<EngineLoopCommand>, onEvent: @escaping (Partner, Event) -> Void
    ) throws {
        (self.plan, self.hello, self.host, self.loop, self.orders, self.onEvent) = (
            plan, hello, host, loop, orders, onEvent
        )
        dialPort = plan.port
        crypto = try Libcrypto()
        socket = try DatagramSocket(port: 0, host: host)
        self.ports = ports
        listen()
        dial(after: .zero)
    }

    /// A port may be taken for the moment: the partner can be dialled all the same.
    private func listen() {
        for port in ports where listeners[port] == nil {
            do throws(Errno) {
                let listener = Listener(
                    try Sockets.listen(Sockets.Address(host: host ?? "::", port: port), backlog: 16))
                listener.registration = try loop.watch(listener.socket.number, .read) { [unowned self] _ in
                    accept(listener)
                }
                listeners[port] = listener
            } catch { onEvent(self, .trouble("TCP port \(port) cannot be had here: \(error.reason)")) }
        }
    }

    private final class Listener {
        let socket: Descriptor
        var registration: EventLoop.Registration?
        init(_ socket: consuming Descriptor) { self.socket = socket }
    }

    func close(_ farewell: PartnerLine? = nil) {
        isClosed = true
        if let farewell { connection?.send(farewell) }
        for one in trials { one.close() }
        connection?.close()
        connection = nil
        trials = []
        for listener in listeners.values { if let registration = listener.registration { loop.unwatch(registration) } }
        listeners = [:]
        if let timer { loop.cancel(timer) }
    }

    var isConnected: Bool { connection != nil }

    /// Whether what was told last has arrived, so that what is told now does so at once.
    var hasArrived: Bool { connection?.hasArrived ?? true }
    /// Whether the cable is pulled by which the partner is reached.
    var isUnplugged: Bool { connection?.ownAddress?.isUnplugged ?? false }

    /// In a drill this hub says nothing: what is not to get lost waits.
    var isSilent = false {
        didSet {
            guard !isSilent else { return }
            for line in held { connection?.send(line) }
            held = []
        }
    }
    private var held: [PartnerLine] = []

    func send(_ line: PartnerLine) {
        if isSilent { return held.append(line) }
        connection?.send(line)
    }

    /// One datagram, which leaves at once: before what others are sent of the same.
    func sendDatagram(_ write: (inout OutputRawSpan) -> Void) {
        guard !isSilent, let connection, let address else { return }
        socket.queue(to: address) { _ = connection.seal(into: &$0, write) }
        socket.flush()
    }

    func open(_ datagram: RawSpan, _ body: (RawSpan) -> Void) { connection?.open(datagram, body) }

    // MARK: Connecting

    private func dial(after pause: Duration) {
        if let timer { loop.cancel(timer) }
        timer = loop.after(pause) { [unowned self] in
            timer = nil
            guard !isClosed else { return }
            listen()
            guard connection == nil else { return }
            resolve()
            dial(after: Self.dialPause)
        }
    }

    private func resolve() {
        if let numeric = SocketAddress(host: plan.host, port: 0) { return resolved(.success([numeric])) }
        let host = plan.host
        SocketAddress.lookUp(host) { [orders] in orders.send(.resolved(host: host, $0)) }
    }

    func resolved(_ result: Result<[SocketAddress], ResolveError>) {
        guard connection == nil, !isClosed else { return }
        switch result {
        case .success(let found): addresses = found
        case .failure(let error): onEvent(self, .trouble("its name gives no address: \(error.reason)"))
        }
        guard let address = addresses.first, !trials.contains(where: \.isDialled) else { return }
        // The next time another one.
        addresses.append(addresses.removeFirst())
        do throws(Errno) {
            let target = Sockets.Address(host: address.host, port: dialPort)
            add(try Sockets.connect(target, nonBlocking: true), host: address.host, isDialled: true)
        } catch {
            onEvent(self, .trouble("\(error)"))
        }
    }

    private func accept(_ listener: Listener) {
        while let accepted = try? Sockets.accept(listener.socket) {
            let host = accepted.peer?.host ?? ""
            add(accepted.intoSocket(), host: host, isDialled: false)
        }
    }

    private func add(_ socket: consuming Descriptor, host: String, isDialled: Bool) {
        if trials.count(where: { !$0.isDialled }) >= Self.mostTrials,
            let index = trials.firstIndex(where: { !$0.isDialled })
        {
            trials.remove(at: index).close()
        }
        let connection = try? PartnerConnection(
            socket, host: host, isDialled: isDialled, crypto: crypto, secret: plan.secret, hello: hello, loop: loop
        ) { [unowned self] in heard($1, on: $0) }
        if let connection { trials.append(connection) }
    }

    private func heard(_ event: PartnerConnection.Event, on one: PartnerConnection) {
        switch event {
        case .hello(let theirs): met(theirs, on: one)
        case .line(let line):
            guard one === connection else { return }
            if line.kind == .superfluous { return letGo(one) }
            onEvent(self, .line(line))
        case .ended(let ending):
            var reason: String?
            if case .failed(let text) = ending { reason = text }
            guard one === connection else {
                trials.removeAll { $0 === one }
                keep(one)
                guard one.theirs == nil, connection == nil else { return }
                if case .refused = ending { onEvent(self, .refused) }
                if let reason { onEvent(self, .trouble(reason)) }
                return
            }
            onEvent(self, .ending)
            letGo(one)
            onEvent(self, .ended(reason: reason))
        }
    }

    /// The connection has ended, and another one is made.
    private func letGo(_ one: PartnerConnection) {
        one.close()
        keep(one)
        connection = nil
        if !isClosed { dial(after: Self.quickPause) }
    }

    private func keep(_ one: PartnerConnection) {
        over.append(one)
        loop.after(.zero) { [weak self] in self?.over.removeAll { $0 === one } }
    }

    private func met(_ theirs: PartnerLine.Hello, on one: PartnerConnection) {
        trials.removeAll { $0 === one }
        func refuse(_ trouble: String?) {
            one.close()
            keep(one)
            if let trouble { onEvent(self, .trouble(trouble)) }
        }
        guard theirs.instance != hello.instance else { return refuse("that is this hub itself") }
        guard theirs.isMain != hello.isMain else {
            return refuse(
                "both hubs have the role \(hello.isMain ? "\"main\"" : "\"backup\""): one has to be the other")
        }
        let common = hello.rooms.first { theirs.rooms.contains($0) }
        guard let common, let port = theirs.ports[common] else {
            // Another engine process of that hub has our rooms.
            let there = hello.rooms.lazy.compactMap { theirs.ports[$0] }.first
            guard one.isDialled, let there, there != dialPort else {
                return refuse(one.isDialled ? "it has none of our rooms" : nil)
            }
            dialPort = there
            refuse(nil)
            return dial(after: .zero)
        }
        if let earlier = connection {
            let isSame = earlier.theirs?.instance == theirs.instance
            // Both sides decide alike. The other one may have this connection so far: its end is not ours.
            if isSame, one.isDialled != hello.isMain {
                one.send(PartnerLine(.superfluous))
                return refuse(nil)
            }
            if isSame { earlier.send(PartnerLine(.superfluous)) }
            earlier.close()
            keep(earlier)
            if !isSame { onEvent(self, .ending) }
            connection = nil
            if !isSame { onEvent(self, .ended(reason: nil)) }
        }
        connection = one
        address = SocketAddress(host: one.host, port: port &+ 1)
        onEvent(self, .connected(theirs))
    }
}
