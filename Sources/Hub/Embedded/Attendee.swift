import Engine
import Rooms
import Store

/// A participant who is on the embedded engine: the visit on record, and what the engine said last.
final class Attendee {
    var visit: Visit
    var said: EngineStatus.Participant
    var roundTrips = RoundTrips()
    var isSilent = false
    /// How many statuses in a row have not named it.
    var absences = 0

    init(_ visit: Visit, _ said: EngineStatus.Participant) { (self.visit, self.said) = (visit, said) }

    /// `policy` and `portIndex` are those of its room.
    func view(_ policy: Policy, _ portIndex: Int) -> Snapshot.Participant {
        var view = Snapshot.Participant(
            id: visit.id, name: visit.name, room: visit.room, port: visit.port, engine: visit.engine,
            since: visit.joined.latest.milliseconds)
        view.state = isSilent ? .silent : .present
        let direction = policy.direction(name: visit.name, portIndex: portIndex)
        view.sends = direction.sends && !said.loops
        view.receives = direction.receives
        view.rtt = roundTrips.view
        view.address = visit.address
        view.ssrc = visit.ssrc
        if said.loops {
            view.remark = "sends back what it hears (a feedback loop): nobody hears it until it joins anew"
        } else if direction == .neither {
            view.remark = "its name says neither In nor Out: not connected"
        }
        return view
    }
}
