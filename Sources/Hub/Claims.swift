import EngineProtocol
import Foundation
import Rooms

/// Who was given the focus of a room, and which controllers were chosen to be live: by names, kept over restarts.
struct Claims: Codable, Equatable {
    struct InRoom: Codable, Equatable {
        var focus: Focus.Claim?
        /// By the input's name.
        var inputs: [String: Focus.Claim]?
    }
    private var rooms: [String: InRoom] = [:]

    /// The setting in the store that has them.
    static let key = "claims"

    init() {}

    /// As `recorded` wrote them; none where that cannot be read.
    init(recorded text: String?) {
        let read = text.flatMap { try? JSONDecoder().decode(Claims.self, from: Data($0.utf8)) }
        self = read ?? Claims()
    }

    /// nil where there is nothing to be kept.
    var recorded: String? { rooms.isEmpty ? nil : JSON.text(self) }

    /// Those for which there are any.
    var roomNames: Set<String> { Set(rooms.filter { $0.value != InRoom() }.keys) }
    func holder(in room: String) -> String? { rooms[room]?.focus?.member }
    func chosen(of input: String, in room: String) -> String? { rooms[room]?.inputs?[input]?.member }

    mutating func give(_ member: String?, in room: String) {
        rooms[room, default: InRoom()].focus = member.map(Focus.Claim.init)
    }

    mutating func choose(_ member: String?, of input: String, in room: String) {
        var inputs = rooms[room]?.inputs ?? [:]
        inputs[input] = member.map(Focus.Claim.init)
        rooms[room, default: InRoom()].inputs = inputs
    }

    /// The room's focus as it is to be served.
    func focus(of room: Configuration.Room) -> Focus? {
        guard var focus = room.focus else { return nil }
        focus.holder = rooms[room.name]?.focus
        return focus
    }

    func inputs(of room: Configuration.Room) -> [Input]? {
        guard !room.inputs.isEmpty else { return nil }
        return room.inputs.map { input in
            var input = input
            input.chosen = rooms[room.name]?.inputs?[input.name]
            return input
        }
    }

    /// Forgets what the configuration has nothing of any more.
    mutating func prune(_ configured: [Configuration.Room]) {
        rooms = rooms.filter { name, _ in configured.contains { $0.name == name } }
        for room in configured where rooms[room.name] != nil {
            let plan = RoomPlan(name: room.name, policy: room.policy, focus: room.focus, inputs: room.inputs)
            if room.focus == nil || plan.controllers.contains(holder(in: room.name) ?? "") { give(nil, in: room.name) }
            let inputs = rooms[room.name]?.inputs?.filter { name, claim in
                room.inputs.contains { $0.name == name && $0.firstOnly ?? false && $0.of.contains(claim.member) }
            }
            rooms[room.name]?.inputs = inputs
        }
    }
}
