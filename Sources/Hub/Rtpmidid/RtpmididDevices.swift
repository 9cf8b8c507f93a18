import Devices
import EngineProtocol
import Linux
import PatchBay
import Rooms
import Sequencer
import Store

/// The devices of this machine that the patch bay's wires make members of a room: who is there, and what is ordered about
/// one. They have neither process nor network, so that no engine's end touches them. Lives on the hub's loop.
final class RtpmididDevices {
    private let context: HubContext
    private let bay: PatchBayLink
    let attendance: Attendance<PortID, RtpmididAttendee>
    /// Those that rooms want, as the patch bay said last.
    var seats: [DeviceSeats.Seat] = []
    /// Has the patch bay had time to tell of those that were there at the start?
    private var isSettled = false

    /// Shown in place of an address, as for devices on the embedded engine.
    private static let place = "this machine"

    init(_ context: HubContext, _ bay: PatchBayLink) {
        (self.context, self.bay) = (context, bay)
        attendance = Attendance(EngineSpec.devices, context)
    }

    var views: [Snapshot.Participant] { attendance.all.map(\.view) }

    /// Those that rooms want, also while they are away.
    var statuses: [EngineStatus.Device] {
        let here = Set(attendance.all.map(\.id.address))
        return seats.map { seat in
            EngineStatus.Device(
                name: seat.name, room: seat.room, alsa: seat.device?.address.description,
                isMember: seat.device.map { here.contains($0.address) } ?? false)
        }
    }

    /// `port`: the first of its room's ports, by which others join it.
    func appeared(_ appearance: Appearance, port: UInt16) {
        defer { context.changed() }
        if let known = attendance[appearance.id] {
            known.direction = appearance.direction
            return attendance.moved(known, to: appearance.room)
        }
        let continued = attendance.removeOpenVisit(where: { $0.name == appearance.name })
        let visit =
            continued
            ?? Visit(
                id: context.makeVisitID(), room: appearance.room, engine: EngineSpec.devices, port: port,
                name: appearance.name, address: Self.place, joined: TimeRange(.now))
        let one = RtpmididAttendee(appearance, visit: visit)
        one.device = seats.lazy.compactMap(\.device).first { $0.address == appearance.id.address }?.fullName
        attendance.add(one, as: one.id)
        if continued == nil { return attendance.joined(one) }
        attendance.resumed(one)
        attendance.moved(one, to: appearance.room)
    }

    func vanished(_ id: PortID) {
        guard let one = attendance.remove(id) else { return }
        attendance.ended(one, .left("left: unplugged, or no longer a member"))
        context.changed()
    }

    func heard(_ id: PortID, _ messages: Int) {
        guard let one = attendance[id] else { return }
        one.lastPlayed = .now
        context.played(one.visit.id, messages)
    }

    /// Every few seconds: open visits that no device has continued have ended.
    func tick() {
        if isSettled { attendance.abandonOpenVisits() }
        isSettled = bay.isOpen
    }

    func perform(
        _ command: MemberCommand, on participant: Int64, _ done: @escaping (CommandReply?) -> Void
    ) -> Bool {
        guard let one = attendance.all.first(where: { $0.visit.id == participant }) else { return false }
        switch command {
        case .kick:
            done(
                .conflict(
                    "\(ShownName.shown(one.visit.name)) is a device of the hub's own machine: unplug it, or take it out of devices in the configuration."
                ))
        case .release: bay.order(.release(one.id), done)
        case .notesOff(let notes): bay.order(.notesOff(one.id, notes), done)
        // The kernel carries what devices play: nobody is muted there.
        case .unmute: return false
        }
        return true
    }
}
