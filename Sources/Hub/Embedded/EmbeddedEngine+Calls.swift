import EngineProtocol
import Rooms
import Store

/// Whom the engine invites.
extension EmbeddedEngine {
    /// As initiator the engine gives a peer up sooner.
    static let invitedIsLost = "was lost: no sign of it for 30 s"

    func told(_ call: EngineStatus.Call, at moment: Timestamp) {
        calls = (calls ?? []).filter { $0.room != call.room || $0.name != call.name } + [call]
        context.note(call, engine: name, at: moment)
    }

    /// An engine of an older version invites nobody.
    var shownCalls: [EngineStatus.Call] {
        if let calls { return calls }
        guard run.isReady, let version, version != Version.text else { return [] }
        return plan.rooms.flatMap { room in
            (room.invites ?? []).map {
                EngineStatus.Call(
                    room: room.name, name: $0.name, to: $0.to, state: .unreachable,
                    reason: "engine \(version) cannot invite: it is replaced when nobody is on it",
                    since: run.since.milliseconds)
            }
        }
    }
}
