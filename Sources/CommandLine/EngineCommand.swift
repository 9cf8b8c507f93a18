import Devices
import Engine
import EngineProtocol
import Hub
import Linux
import Sequencer

/// `midihub engine`: the embedded engine as a process of its own, with the devices of this machine that are on it. Its log is
/// its standard output.
enum EngineCommand {
    static func run(_ options: Options) -> ExitCode {
        guard let plan = options.plan, let control = options.control else {
            Output.complain("engine: --plan and --control are needed; the hub starts its engine itself (`midihub run`)")
            return .misuse
        }
        do {
            try? SuddenEnd.shareMemory()
            let server = try EngineServer(
                plan: plan, control: control, sessions: options.sessions, version: Version.text)
            let devices = try DeviceHost(loop: server.loop)
            devices.tell = { [unowned server] in server.tell($0) }
            server.onPlan = { devices.follow($0.rooms, address: $0.host) }
            server.device = { devices.device(ofSession: $0)?.fullName }
            server.devices = { (devices.statuses.map(EngineStatus.Device.init), devices.trouble) }
            // Not before it serves: reading in the whole program takes a moment, in which nobody waits for it.
            server.loop.after(.seconds(1)) { LockedMemory.keep() }
            try server.run()
            devices.end()
            return .well
        } catch {
            Output.complain("engine: \(error)")
            return .unavailable
        }
    }
}

extension EngineStatus.Device {
    fileprivate init(_ status: DeviceHost.Status) {
        self.init(
            name: status.seat.name, room: status.seat.room, alsa: status.seat.device?.address.description,
            isMember: status.isMember, trouble: status.trouble)
    }
}
