import Client
import EngineProtocol
import Linux
import Rooms
import Store

/// The TCP ports for clients of the oldest hubs, and who came in by them. Lives on the hub's loop.
final class TextClients {
    private let context: HubContext
    private let settling: Duration
    private let news: Mailbox<TextMember.Event>
    private var doors: [TextDoor] = []
    private var members: [Int: TextMember] = [:]
    private var made = 0
    private var isEnding = false
    /// Who is let in, as engines see it.
    private var access = EnginePlan(rooms: [])
    /// Why a port is not served, by its number.
    private var failures: [UInt16: Snapshot.Problem] = [:]

    /// What sounded at an address when its connection ended, for whoever comes from there next.
    private var owed: [String: (held: HeldState, until: ContinuousClock.Instant)] = [:]
    /// How often an address has come in the last seconds.
    private var attempts: [SocketAddress: Int] = [:]
    private final class Held {
        let socket: Descriptor
        init(_ socket: consuming Descriptor) { self.socket = socket }
    }
    /// Who is not let in and is not told, the oldest first.
    private var held: [Held] = []

    private static let most = 256
    /// A client that is turned away comes back at once, and for ever, so it is left waiting for a while.
    private static let holding: Duration = .seconds(5)
    private static let mostHeld = 64
    /// From one address, within `holding`.
    private static let mostAttempts = 20
    private static let memory: Duration = .seconds(60)
    private static let mostOwed = 1024
    private static let remark = "by TCP: hears neither programs nor system exclusive"

    init(_ context: HubContext, settling: Duration) throws(Errno) {
        (self.context, self.settling) = (context, settling)
        news = try Mailbox()
        try context.loop.receive(news) { [unowned self] in handle($0) }
        context.loop.every(Self.holding) { [unowned self] in tick() }
    }

    var problems: [Snapshot.Problem] { failures.sorted { $0.key < $1.key }.map(\.value) }

    /// Opens and closes what the configuration says, and tries again what could not be opened.
    func follow() {
        guard !isEnding else { return }
        let configuration = context.configuration
        access = EnginePlan(
            rooms: [], allow: configuration.allow, deny: configuration.deny,
            maximumPerAddress: configuration.maximumPerAddress)
        let wanted = configuration.textPlaces
        for door in doors where !wanted.contains(door.place) { door.close() }
        doors.removeAll { !wanted.contains($0.place) }
        for member in members.values where !wanted.contains(member.place) || !access.admits(member.peer) {
            member.end(wait: false)
        }
        failures = failures.filter { port, _ in wanted.contains { $0.address.port == port } }
        for place in wanted where !doors.contains(where: { $0.place == place }) { open(place) }
    }

    private func open(_ place: TextDoor.Place) {
        let port = place.address.port
        do throws(Errno) {
            doors.append(
                try TextDoor(place, context.loop) { [unowned self] in admit($0, from: $1, to: $2) })
            failures[port] = nil
        } catch {
            let finding = Doctor.tcp(place.address)
            let what = "TCP port \(port) (room \(place.room)) is not served: \(finding.text)"
            if failures[port] == nil { context.note(.portTaken, severity: .error, room: place.room, what) }
            failures[port] = .init(what: what, fix: finding.fix)
        }
    }

    private func tick() {
        attempts = [:]
        let now = ContinuousClock.now
        owed = owed.filter { $0.value.until > now }
        if !failures.isEmpty { follow() }
    }

    // MARK: Coming

    private func admit(_ socket: consuming Descriptor, from peer: SocketAddress, to place: TextDoor.Place) {
        let network = peer.network
        attempts[network, default: 0] += 1
        let beside = members.values.count { $0.peer.network == network }
        let reason: String? =
            if !access.admits(peer) {
                "its address is not let in"
            } else if members.count >= Self.most {
                "\(Self.most) TCP clients are here already"
            } else if beside >= access.mostPerAddress, !peer.isLoopback {
                "\(beside) TCP clients are here from its address already"
            } else if attempts[network] ?? 0 > Self.mostAttempts {
                "it comes too often"
            } else {
                nil
            }
        guard let reason else { return begin(socket, peer, place) }
        // Once, where it comes again and again.
        if attempts[network] ?? 0 <= 1 || attempts[network] == Self.mostAttempts + 1 {
            context.note(
                .refused, severity: .warning, room: place.room, address: peer.host,
                "A TCP client was not let in on port \(place.address.port): \(reason)")
        }
        hold(socket)
    }

    private func hold(_ socket: consuming Descriptor) {
        let one = Held(socket)
        held.append(one)
        if held.count > Self.mostHeld { held.removeFirst() }
        // One that had to go before its time is not kept open by its timer.
        context.loop.after(Self.holding) { [unowned self, weak one] in held.removeAll { $0 === one } }
    }

    private func begin(_ socket: consuming Descriptor, _ peer: SocketAddress, _ place: TextDoor.Place) {
        made += 1
        let taken = Set(members.values.map(\.name))
        // As many as there are names beside the taken ones, and one more.
        let names = (1...taken.count + 1).lazy.map { "TCP \(peer.host)" + ($0 == 1 ? "" : " (\($0))") }
        do throws(Errno) {
            members[made] = try TextMember(
                made, name: names.first { !taken.contains($0) } ?? "TCP", peer: peer, place: place, socket: socket,
                owed: owed.removeValue(forKey: peer.host)?.held ?? HeldState(), settling: settling, news: news)
        } catch {
            context.note(
                .refused, severity: .error, room: place.room, address: peer.host,
                "A TCP client has no place here: \(error)")
        }
    }

    // MARK: Being there, and going

    private func handle(_ news: TextMember.Event) {
        guard let member = members[news.number] else { return }
        switch news.what {
        case .begins(let port):
            context.relays[port] = Relay(address: member.peer.description, remark: Self.remark)
            member.port = port
        case .measured(let microseconds, let unreadable):
            guard let relay = context.relays[member.port] else { return }
            (relay.roundTrip, relay.unreadable) = (microseconds, unreadable)
        case .ended(let sounding, let isTooSlow):
            members[news.number] = nil
            member.end(wait: false)
            if isTooSlow {
                context.note(
                    .left, severity: .warning, room: member.place.room, participant: member.name,
                    address: member.peer.host,
                    "\(member.name) was cut off: it does not read as fast as the room plays. It may come back")
            }
            context.changed()
            if !sounding.isEmpty, owed.count < Self.mostOwed {
                owed[member.peer.host] = (sounding, .now.advanced(by: Self.memory))
            }
            forget(context.relays[member.port], member.port)
        }
    }

    /// Once the engine has told of its leaving, too.
    private func forget(_ relay: Relay?, _ port: UInt16) {
        guard let relay else { return }
        context.loop.after(Self.holding) { [context] in
            if context.relays[port] === relay { context.relays[port] = nil }
        }
    }

    /// Called when the hub ends. Its engines may go on, so everything that members hold must be released first.
    func end(wait: Bool) {
        isEnding = true
        for door in doors { door.close() }
        (doors, held) = ([], [])
        for member in members.values { member.leave() }
        for member in members.values { member.end(wait: wait) }
        members = [:]
    }
}

extension Configuration {
    /// Where its TCP ports lead to.
    fileprivate var textPlaces: [TextDoor.Place] {
        tcp.compactMap { one in
            guard let room = room(of: one), let port = room.ports.first else { return nil }
            return .init(
                address: .init(host: address ?? "::", port: one.port), room: room.name,
                host: Initiator.Host(name: ownAddress, port: port))
        }
    }
}
