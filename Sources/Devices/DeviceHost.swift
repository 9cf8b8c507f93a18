import Client
package import Linux
package import Rooms
import Sequencer

/// The devices of this machine that are members of rooms: whoever is plugged in and wanted has a player, from that moment on
/// until it is unplugged. Lives on a loop that it does not keep from anything else, and must outlive its run.
package final class DeviceHost {
    /// A device that is wanted, as it is now.
    package struct Status: Sendable {
        package let seat: DeviceSeats.Seat
        package let isMember: Bool
        /// Why it is not, though it is there.
        package let trouble: String?
    }
    /// Something that a person should know.
    package var tell: (String) -> Void = { _ in }

    private struct Key: Hashable {
        let seat: DeviceSeats.Seat.ID
        let device: Device
        let host: Initiator.Host
    }
    private final class Playing {
        let player: DevicePlayer
        var ssrc: UInt32?
        var isMember = false
        var trouble: String?
        init(_ player: DevicePlayer) { self.player = player }
    }
    private struct News: Sendable {
        let number: Int
        let event: DevicePlayer.Event
    }

    /// Until one that could not be a member is tried again.
    private static let pause = Duration.seconds(3)

    private let watch: DeviceWatch
    private let news: Mailbox<News>
    private let loop: EventLoop
    private var isLooking = false
    /// Something may sound at the devices that the program before this one has left behind.
    private var isFirst = true
    private var seats = DeviceSeats()
    private var wishes: [DeviceSeats.Wish] = []
    private var hosts: [String: Initiator.Host] = [:]
    private var players: [Key: Playing] = [:]
    private var numbers: [Int: Key] = [:]
    private var nextNumber = 0
    private var told: Set<String> = []

    package init(loop: EventLoop) throws(Errno) {
        self.loop = loop
        watch = DeviceWatch(loop: loop)
        news = try Mailbox()
        watch.onChange = { [unowned self] in seat() }
        try loop.receive(news) { [unowned self] in heard($0) }
    }

    /// Follows what rooms want. Devices whose room, port and name stay notice nothing; those that could not join try again at
    /// once, since their room may have opened meanwhile. `address` is the one that the engine
    /// listens on, nil where it listens on all.
    package func follow(_ rooms: [RoomPlan], address: String?) {
        wishes = rooms.flatMap { room in (room.devices ?? []).compactMap { DeviceSeats.Wish($0, room: room.name) } }
        hosts = [:]
        for room in rooms {
            guard let port = room.ports.first else { continue }
            hosts[room.name] = Initiator.Host(name: address ?? "127.0.0.1", port: port)
        }
        for (key, one) in players where one.trouble != nil { end(key) }
        // The sequencer is not opened, and no module loaded, where nobody wants a device.
        if !isLooking, !wishes.isEmpty {
            isLooking = true
            watch.start()
            if let trouble { tell("no device is a member: \(trouble)") }
        }
        seat()
    }

    /// Everybody leaves; returns when they have.
    package func end() {
        for one in players.values { one.player.end(wait: true) }
        players = [:]
    }

    private func seat() {
        seats.follow(watch.devices, wishes)
        var wanted: [Key: DeviceSeats.Seat] = [:]
        for seat in seats.seats {
            guard let device = seat.device, let host = hosts[seat.room] else { continue }
            wanted[Key(seat: seat.id, device: device, host: host)] = seat
        }
        for key in players.keys where wanted[key] == nil { end(key) }
        for (key, seat) in wanted where players[key] == nil { begin(seat, key) }
        if isLooking { isFirst = false }
    }

    private func end(_ key: Key) {
        players.removeValue(forKey: key)?.player.end(wait: false)
        numbers = numbers.filter { $0.value != key }
    }

    private func begin(_ seat: DeviceSeats.Seat, _ key: Key) {
        let number = nextNumber
        nextNumber += 1
        do throws(Errno) {
            let player = try DevicePlayer(
                key.device, name: seat.name, host: key.host, isUnknown: isFirst,
                tell: { [news] in news.send(News(number: number, event: $0)) })
            players[key] = Playing(player)
            numbers[number] = key
        } catch { tellOnce("\(seat.name) cannot be a member of \(seat.room): \(error)") }
    }

    private func heard(_ news: News) {
        guard let key = numbers[news.number], let one = players[key] else { return }
        switch news.event {
        case .began(let ssrc): one.ssrc = ssrc
        case .joined: (one.isMember, one.trouble) = (true, nil)
        case .trouble(let reason): (one.isMember, one.trouble) = (false, reason)
        case .failed(let reason):
            tellOnce("\(one.player.name) cannot be a member of \(key.seat.wish.room): \(reason)")
            end(key)
            loop.after(Self.pause) { [unowned self] in seat() }
        }
    }

    private func tellOnce(_ text: String) {
        guard told.count < 1000, told.insert(text).inserted else { return }
        tell(text)
    }

    // MARK: Showing

    /// Every device that is wanted and was here.
    package var statuses: [Status] {
        seats.seats.map { seat in
            let playing = players.first { $0.key.seat == seat.id }?.value
            return Status(seat: seat, isMember: playing?.isMember ?? false, trouble: playing?.trouble)
        }
    }

    /// Why no device is seen, where one is wanted.
    package var trouble: String? { wishes.isEmpty ? nil : watch.trouble?.description }

    /// The device whose session that is.
    package func device(ofSession ssrc: UInt32) -> Device? { players.values.first { $0.ssrc == ssrc }?.player.device }
}
