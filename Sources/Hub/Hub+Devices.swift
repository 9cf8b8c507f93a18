import Devices
import Sequencer

/// What is plugged into this machine.
extension Hub {
    /// Looked at from the first time on that somebody asks.
    func devices(_ pattern: DevicePattern?) -> DeviceList {
        if !isLookingAtDevices {
            isLookingAtDevices = true
            deviceWatch.start()
        }
        return DeviceList(
            deviceWatch.devices, problem: deviceWatch.trouble?.description, pattern: pattern, members: carrier.devices,
            participants: carrier.participants)
    }
}
