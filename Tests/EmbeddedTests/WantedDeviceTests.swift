import Foundation
import TestSupport
import Testing

/// Devices where no sequencer is needed, or there is none.
@Suite(.serialized)
struct WantedDeviceTests {
    @Test(.enabled(if: !sequencerIsThere, "needs a machine without an ALSA sequencer"))
    func `a hub that sees no device says so, and goes on`() throws {
        let hub = try HubUnderTest.running(more: #"devices: [{ match: "APC40*" }],"#)
        let players = try hub.here("Piano")
        try pumping(players, "the notice", seen: (try? hub.get("/api/v1/status").text) ?? "") {
            let health = try hub.get("/api/v1/status").object()["health"] as? [String: Any]
            let notices = health?["notices"] as? [String] ?? []
            return notices.contains { $0.hasPrefix("No device of this machine is a member: open /dev/snd/seq") }
        }
        let shown = try hub.command("devices")
        #expect(shown.code == 69 && shown.error.contains("no device is seen: open /dev/snd/seq"), "\(shown)")
        #expect(players.allSatisfy { $0.isUp && $0.ended == nil })
    }

    @Test func `a room that there is not is told with its line, at the start and at a reload`() throws {
        let hub = try HubUnderTest.running()
        hub.directory.write(
            "midihub.json5",
            "{ ports: [\(hub.ports[0])], address: \"127.0.0.1\",\ndevices: [{ match: \"A\", room: \"Hall\" }] }")
        let reloaded = try hub.command("reload")
        #expect(
            reloaded.code != 0 && reloaded.error.contains("line 2: devices: there is no room \"Hall\""), "\(reloaded)")
        let started = try hub.command("run")
        #expect(
            started.code == 64 && started.error.contains("line 2: devices: there is no room \"Hall\""), "\(started)")
    }
}
