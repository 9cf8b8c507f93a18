import Client
import EngineProtocol
import Rooms

extension FailoverPlan {
    /// `rooms`: all of the hub, also where several engines share them.
    init(
        _ failover: ConfigurationFailover, rooms: [RoomPlan], learned: LearnedNote?, isMuted: Bool, name: String? = nil
    ) {
        let settings = failover.settings
        self.init(
            host: failover.with.name, port: failover.with.port, secret: failover.secret,
            isMain: failover.role == .main, silence: settings.silence,
            waitsWhenUnsure: settings.whenUnsure == .wait ? true : nil, isHeldBack: isMuted ? true : nil,
            ports: Dictionary(rooms.compactMap { room in room.ports.first.map { (room.name, $0) } }) { first, _ in first
            },
            digest: Self.digest(of: rooms, failover.note), note: failover.note, learned: learned, name: name)
    }

    /// Of what has to be the same in both configurations for a switch to change nothing: not where the hubs are and what they
    /// are called, and not what people choose meanwhile, which the hubs tell each other. An older hub's digest must be the
    /// same: what is added here later is left out where it is not used, and blocks, which it has in it, count as none.
    static func digest(of rooms: [RoomPlan], _ note: NoteTrigger? = nil) -> String {
        struct Same: Encodable {
            var name: String
            var policy: Policy
            var ports: Int
            var blocks: [Block]
            var maximum: Int
            var controllers: [String]?
            var byTouch: Bool?
            var inputs: [Input]?
        }
        let same = rooms.sorted { $0.name < $1.name }.map { room in
            Same(
                name: room.name, policy: room.policy, ports: room.ports.count, blocks: [],
                maximum: room.maximum, controllers: room.focus?.controllers, byTouch: room.focus?.byTouch,
                inputs: room.inputs?.map { input in
                    var input = input
                    input.chosen = nil
                    return input
                })
        }
        // FNV-1a of 64 bits: to see a difference, not to withstand anybody.
        let bytes = JSON.bytes(same) + (note.map { JSON.bytes($0) } ?? [])
        let hash = bytes.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
