import EngineProtocol
import Linux
import PatchBay
import Rooms
import Sequencer
import Store
import TestSupport
import TestTraits
import Testing

@testable import Hub

/// Devices of the hub's own machine on rtpmidid, as the patch bay tells of them.
@Suite(.ownThread) struct RtpmididDeviceTests {
    /// What a hub has of them. `directory`: of a hub that was there before.
    private final class Stage {
        let directory: TemporaryDirectory
        let database: Database
        let context: HubContext
        let devices: RtpmididDevices

        init(in directory: TemporaryDirectory = TemporaryDirectory()) throws {
            self.directory = directory
            let state = StateDirectory(directory.file("state"))
            try state.create()
            let loop = try EventLoop()
            database = try Database(path: state.database)
            let recorder = try StoreWriter(database, path: state.database, failure: nil, loop: loop)
            context = try HubContext(
                state: state, loop: loop, recorder: recorder, configuration: Configuration(),
                memory: RestoredState.load(database), prints: false)
            devices = RtpmididDevices(context, try PatchBayLink(loop, table: state.held))
            devices.attendance.takeOver()
        }

        func appear(_ name: String, _ number: UInt8, room: String = "Main", direction: Direction = .both) -> PortID {
            let id = PortID(address: Address(client: number, port: 0), generation: 1)
            devices.appeared(
                Appearance(
                    id: id, engine: EngineSpec.devices, nameBytes: Array(name.utf8), name: name, standing: .participant,
                    room: room, direction: direction), port: 5004)
            return id
        }

        func settle() throws {
            for _ in 0..<2 {
                var isDone = false
                context.recorder.whenDone { isDone = true }
                try context.loop.run(until: "the store") { isDone }
            }
        }

        func texts() throws -> [String] {
            try settle()
            return blocking { [database] in (try? await database.events(limit: 100)) ?? [] }.reversed().map(\.text)
        }
    }

    @Test func `a device joins its room and leaves it, which is on record`() throws {
        let stage = try Stage()
        let id = stage.appear("APC40", 24)
        #expect(stage.devices.views.map(\.name) == ["APC40"] && stage.devices.views.map(\.room) == ["Main"])
        stage.devices.vanished(id)
        #expect(stage.devices.views.isEmpty)
        #expect(
            try stage.texts() == [
                "APC40 joined room Main", "APC40 left: unplugged, or no longer a member (room Main)",
            ])
    }

    @Test func `what a device can do is shown, and a reload may change its room`() throws {
        let stage = try Stage()
        let id = stage.appear("Keys", 24, direction: .sends)
        #expect(stage.devices.views.map(\.sends) == [true] && stage.devices.views.map(\.receives) == [false])
        let visit = stage.devices.attendance[id]?.visit.id
        #expect(stage.appear("Keys", 24, room: "Attic", direction: .sends) == id)
        #expect(stage.devices.views.map(\.room) == ["Attic"] && stage.devices.views.map(\.id) == [visit])
    }

    @Test func `after a hub's death a device's visit goes on, and that of one who is away ends`() throws {
        let stage = try Stage()
        _ = stage.appear("APC40", 24)
        _ = stage.appear("Keys", 28)
        try stage.settle()
        let visit = stage.devices.views.first { $0.name == "APC40" }?.id
        blocking { [database = stage.database] in await database.close() }
        let next = try Stage(in: stage.directory)
        _ = next.appear("APC40", 32)
        #expect(next.devices.views.map(\.id) == [visit])
        #expect(next.devices.attendance.openVisits.map(\.name) == ["Keys"])
    }

    @Test func `who wants to send a device away is told how`() throws {
        let stage = try Stage()
        _ = stage.appear("APC40", 24)
        let id = try #require(stage.devices.views.first?.id)
        var reply: CommandReply?
        #expect(stage.devices.perform(.kick, on: id) { reply = $0 })
        #expect(reply?.outcome == .conflict)
        #expect(reply?.text.hasPrefix("APC40 is a device of the hub's own machine") ?? false)
        #expect(!stage.devices.perform(.kick, on: id + 1) { _ in })
    }
}
