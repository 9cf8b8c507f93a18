import Devices
import EngineProtocol
import Foundation
import Sequencer
import Testing

@testable import Hub

@Suite struct DeviceListTests {
    private let apc = Device(
        address: .init(client: 24, port: 0), client: "APC40", port: "APC40 MIDI 1", card: 1,
        place: "/sys/devices/usb1/1-1/1-1.2/1-1.2:1.0")
    private func participant(_ name: String, room: String = "Main", device: String?) -> Snapshot.Participant {
        var one = Snapshot.Participant(id: 7, name: name, room: room, port: 5004, engine: "embedded", since: 1)
        one.device = device
        return one
    }

    @Test func `a device that is a member is shown with its participant, which no namesake is`() {
        let member = EngineStatus.Device(name: "Lights", room: "Main", alsa: "24:0", isMember: true)
        func entry(_ participants: [Snapshot.Participant], _ member: EngineStatus.Device) -> DeviceList.Entry? {
            DeviceList([apc], problem: nil, pattern: nil, members: [member], participants: participants).devices.first
        }
        let here = entry([participant("Lights", device: "APC40:APC40 MIDI 1")], member)
        #expect(here?.name == "Lights" && here?.room == "Main" && here?.participant == 7)
        #expect(here?.socket == "1-1.2" && here?.card == 1 && here?.excluded == nil && here?.matches == nil)
        #expect(entry([participant("Lights", device: nil)], member)?.participant == nil)
        #expect(entry([participant("Lights", room: "Other", device: "x")], member)?.participant == nil)
        let refused = EngineStatus.Device(name: "Lights", room: "Main", alsa: "24:0", trouble: "refused")
        #expect(entry([participant("Lights", device: "x")], refused)?.participant == nil)
        #expect(entry([], refused)?.trouble == "refused")
    }

    @Test func `one that is away is shown by what it is called`() throws {
        let away = EngineStatus.Device(name: "Lights", room: "Main")
        let entry = try #require(DeviceList([], problem: nil, pattern: nil, members: [away]).devices.first)
        #expect(JSON.text(entry) == #"{"name":"Lights","room":"Main"}"#)
    }

    @Test func `an older hub's or newer hub's list is read`() throws {
        let list = try JSONDecoder().decode(
            DeviceList.self, from: Data(#"{"devices": [{"client": "APC40", "colour": "red"}]}"#.utf8))
        #expect(list.devices.map(\.client) == ["APC40"] && list.problem == nil)
    }
}
