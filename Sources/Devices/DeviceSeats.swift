import RTPMIDI
package import Rooms
import Sequencer

/// Which devices are members of which rooms, and what they are called there. A device that comes back has the name that it
/// had, whatever number its card gets now; two equal ones have a number behind the name of the second, and keep them: told
/// apart by where they are plugged in.
package struct DeviceSeats {
    /// What a room wants: a line of the configuration.
    package struct Wish: Hashable, Sendable {
        package let room: String
        package let pattern: DevicePattern
        package let name: String?
        package let except: [DevicePattern]

        package init(room: String, pattern: DevicePattern, name: String? = nil, except: [DevicePattern] = []) {
            (self.room, self.pattern, self.name, self.except) = (room, pattern, name, except)
        }

        /// nil where it has no pattern that can be meant.
        package init?(_ plan: DevicePlan, room: String) {
            guard let pattern = DevicePattern(plan.match) else { return nil }
            self.init(
                room: room, pattern: pattern, name: plan.name,
                except: (plan.except ?? []).compactMap(DevicePattern.init))
        }

        package func takes(_ device: Device) -> Bool {
            pattern.takes(device) && !except.contains { $0.takes(device) }
        }
    }

    package struct Seat: Hashable, Sendable {
        package let wish: Wish
        /// The name without a number behind it.
        fileprivate let base: String
        fileprivate let number: Int
        /// Who sat here last, as far as that does not change.
        fileprivate var holder: Holder
        /// nil while it is away.
        package fileprivate(set) var device: Device?

        /// What it is called in the room: at most 63 bytes.
        package var name: String { number == 1 ? base : "\(base) \(number)" }
        package var room: String { wish.room }
        /// The same for as long as the seat is kept.
        package var id: ID { ID(wish: wish, name: name) }
        package struct ID: Hashable, Sendable {
            package let wish: Wish
            package let name: String
        }
    }
    fileprivate struct Holder: Hashable, Sendable {
        let fullName: String
        let place: String
        let port: UInt8

        init(_ device: Device) {
            (fullName, place, port) = (device.fullName, device.place, device.address.port)
        }
    }

    /// In the order of the wishes.
    package private(set) var seats: [Seat] = []
    /// More than anybody plugs in; programs may come under ever new names.
    private static let most = 256

    package init() {}

    /// Seats those who are there, and keeps the seats of those who are away. Of two wishes that take one device the first has
    /// it.
    package mutating func follow(_ devices: [Device], _ wishes: [Wish]) {
        let before = seats
        seats = []
        var taken: Set<Address> = []
        for wish in wishes {
            var kept = before.filter { $0.wish == wish }
            let earlier = kept.map(\.device)
            for index in kept.indices { kept[index].device = nil }
            var rest = devices.filter { wish.takes($0) && taken.insert($0.address).inserted }
            // Whoever stays has its seat, then who comes back to its place; who is plugged in elsewhere takes the first that is
            // free.
            let rights: [(Int, Device) -> Bool] = [
                { earlier[$0] == $1 }, { kept[$0].holder == Holder($1) }, { _, _ in true },
            ]
            for hasRight in rights {
                rest.removeAll { device in
                    let base = Self.base(wish, device)
                    let free = kept.indices.filter {
                        kept[$0].device == nil && kept[$0].base == base && hasRight($0, device)
                    }
                    guard let index = free.min(by: { kept[$0].number < kept[$1].number }) else { return false }
                    (kept[index].device, kept[index].holder) = (device, Holder(device))
                    return true
                }
            }
            for device in rest {
                let base = Self.base(wish, device)
                let number = (kept.filter { $0.base == base }.map(\.number).max() ?? 0) + 1
                kept.append(Seat(wish: wish, base: base, number: number, holder: Holder(device), device: device))
            }
            seats += kept
        }
        if seats.count > Self.most { seats.removeAll { $0.device == nil } }
    }

    /// As everybody sees it, with room for a number behind it, and no character cut.
    private static func base(_ wish: Wish, _ device: Device) -> String {
        var base = SessionPacket.sanitised(Array((wish.name ?? device.client).utf8))
        if base.isEmpty { base = "device" }
        while base.utf8.count > 58 { base.removeLast() }
        return base
    }
}
