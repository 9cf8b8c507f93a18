import Linux
import TestSupport
import Testing

/// What the engine's process gets of the machine.
@Suite struct MachineTests {
    @Test(.enabled(if: LockedMemory.isAllowed))
    func `soon after it serves, the engine has its memory locked, and doctor says so`() throws {
        let hub = try HubUnderTest.running()
        let engine = Int32(try hub.enginePIDs()[0])
        try eventually("locked memory") { LockedMemory.isUsed(by: engine) }
        #expect(try hub.command("doctor").output.contains("the engine has its memory locked"))
    }

    @Test(.enabled(if: File.exists("/usr/bin/setpriv")))
    func `an engine that may not lock its memory serves all the same, and doctor says so`() throws {
        let hub = try HubUnderTest.embedded()
        // Also root cannot raise the limit then.
        let limited =
            "ulimit -l 64; exec setpriv --bounding-set=-ipc_lock,-sys_resource --inh-caps=-ipc_lock,-sys_resource \"$@\""
        let started = try Program(
            "/bin/sh", ["-c", limited, "sh"] + hub.commandLine("start"), in: hub.directory, name: "limited")
        #expect(try started.finish().code == 0)
        try hub.awaitEngines()
        let engine = Int32(try hub.enginePIDs()[0])
        #expect(!LockedMemory.isUsed(by: engine))
        #expect(try hub.command("doctor").output.contains("memory is not locked"))
    }
}
