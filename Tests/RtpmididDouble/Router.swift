/// What rtpmidid's router connects: every node has a number of its own and a list of nodes that it sends to.
final class Node {
    enum Kind {
        /// `[rtpmidi_announce]`: the two UDP ports and their sessions.
        case listener(Listener)
        /// `[alsa_announce]`: a visible ALSA port; a subscription to it would open a listener, which the double does not.
        case announce(name: [UInt8], port: Int)
        /// A participant's ALSA port.
        case alsa(name: [UInt8], port: Int)
        /// A participant's session.
        case session(Session)
        /// `connect` and `[connect_to]`: an ALSA port that waits for a subscriber. The double never goes out.
        case waiter(name: [UInt8], port: Int, endpoints: [JSON])
        /// `router.create` of a client: a session that goes out.
        case client(OutgoingSession)
    }

    let id: Int
    let kind: Kind
    var sendsTo: [Int] = []
    var received = 0
    var sent = 0

    init(id: Int, kind: Kind) {
        self.id = id
        self.kind = kind
    }

    var type: String {
        switch kind {
        case .listener: "network_rtpmidi_multi_listener_t"
        case .announce: "local_alsa_multi_listener_t"
        case .alsa: "local_alsa_peer_t"
        case .session: "network_rtpmidi_peer_t"
        case .waiter: "local_alsa_listener_t"
        case .client: "network_rtpmidi_client_t"
        }
    }
}

/// Nodes, their connections and the lines that each change logs.
final class Router {
    private let log: Log
    private let sequencer: any SequencerPorts
    private var nodes: [Int: Node] = [:]
    private var order = HashOrder()
    private var nextID = 1

    init(log: Log, sequencer: any SequencerPorts) {
        self.log = log
        self.sequencer = sequencer
    }

    subscript(id: Int) -> Node? { nodes[id] }

    /// In the daemon's own order.
    var all: [Node] { order.numbers.compactMap { nodes[$0] } }

    @discardableResult
    func add(_ kind: Node.Kind) -> Int {
        let node = Node(id: nextID, kind: kind)
        nextID += 1
        nodes[node.id] = node
        order.insert(node.id)
        log.info("midirouter.cpp:52", "Added peer type=\(node.type) peer_id=\(node.id)")
        return node.id
    }

    func connect(_ from: Int, _ to: Int) {
        guard let sender = nodes[from], nodes[to] != nil else {
            return log.warning("midirouter.cpp:140", "Sending to unknown peer \(from) -> \(to)")
        }
        sender.sendsTo.append(to)
        event("CONNECTED_ROUTER", to)
        event("CONNECTED_ROUTER", from)
        log.info("midirouter.cpp:149", "Connect \(from) -> \(to)")
    }

    func disconnect(_ from: Int, _ to: Int) {
        guard let sender = nodes[from], nodes[to] != nil else {
            return log.warning("midirouter.cpp:156", "Sending to unknown peer \(from) -> \(to)")
        }
        if sender.sendsTo.contains(to) {
            sender.sendsTo.removeAll { $0 == to }
            event("DISCONNECTED_ROUTER", to)
            event("DISCONNECTED_ROUTER", from)
        }
        log.info("midirouter.cpp:170", "Disconnect \(from) -> \(to)")
    }

    private func event(_ name: String, _ from: Int) { log.debug("midipeer.hpp:100", "Peer event=\(name) from=\(from)") }

    /// Removes a node, known or not, with the log lines of the real one: a line for every connection of every other
    /// node, and all of it once more when the node itself goes.
    func remove(_ id: Int) {
        log.info("midirouter.cpp:89", "Remove peer_id=\(id)")
        for other in order.numbers {
            for target in nodes[other]?.sendsTo ?? [] {
                if target == id { disconnect(other, id) }
                disconnect(id, other)
            }
        }
        guard let node = nodes.removeValue(forKey: id) else { return }
        order.remove(id)
        log.info("midirouter.cpp:106", "Removed peer \(id)")
        switch node.kind {
        case .listener(let listener): listener.close()
        case .alsa(_, let port), .announce(_, let port): sequencer.deletePort(port)
        case .waiter(_, let port, _):
            sequencer.deletePort(port)
            log.info("local_alsa_listener.cpp:77", "Remove ALSA port: \(port), peer_id: \(id)")
        case .session(let session): session.nodeRemoved(id)
        case .client(let session): session.leave()
        }
        remove(id)
    }

    /// A participant's session is over: its ALSA port's node goes, then its own.
    func removePair(of id: Int) {
        guard let node = nodes[id] else { return log.warning("midirouter.cpp:75", "unknown peer \(id)!") }
        for other in node.sendsTo where nodes[other] != nil { remove(other) }
        remove(id)
    }

    /// Carries MIDI from a node to those it sends to, and counts.
    func send(_ bytes: [UInt8], from id: Int) {
        guard let node = nodes[id] else {
            return log.warning("midirouter.cpp:114", "Sending from an unknown peer \(id)!")
        }
        node.sent += 1
        for to in node.sendsTo {
            guard let target = nodes[to] else {
                log.warning("midirouter.cpp:130", "Sending to unknown peer \(id) -> \(to)")
                continue
            }
            target.received += 1
            switch target.kind {
            case .alsa(_, let port):
                target.received += 1  // the real one counts twice here
                sequencer.send(bytes, from: port)
            case .session(let session): session.deliver(bytes)
            case .client(let session): session.deliver(bytes)
            case .listener, .announce, .waiter: break
            }
        }
    }

    /// MIDI that came in at an ALSA port.
    func heard(_ bytes: [UInt8], at port: Int) {
        for node in all {
            if case .alsa(_, port) = node.kind { send(bytes, from: node.id) }
        }
    }
}
