import Testing

@testable import Hub

@Suite struct HealthTests {
    private func judge(_ states: Snapshot.Engine.State...) -> Snapshot.Health {
        let engines = states.enumerated().map { index, state in
            var engine = Snapshot.Engine(name: "engine", port: UInt16(5004 + 2 * index), room: "Band", since: 0)
            engine.state = state
            return engine
        }
        return Snapshot.Health.judge(
            engines: engines, participants: [], store: Snapshot.Store(), carrierProblems: [], startedAt: 0, now: 10_000)
    }

    @Test func `all is well where every port is served`() {
        let health = judge(.up, .up)
        #expect(health.ok && health.sentence == "Ready. Nobody is here yet." && health.problems.isEmpty)
    }

    @Test func `an engine that starts does not serve yet: no problem, but not well either`() {
        let beginning = judge(.starting)
        #expect(!beginning.ok && beginning.sentence == "Starting." && beginning.problems.isEmpty)
        let restarting = judge(.up, .starting, .stopping)
        #expect(!restarting.ok && restarting.problems.isEmpty)
        #expect(restarting.sentence == "Ready. Nobody is here yet. Not served at the moment: port 5006, 5008.")
    }

    @Test(arguments: [Snapshot.Engine.State.failed, .down])
    func `an engine that does not run is a problem`(state: Snapshot.Engine.State) {
        let health = judge(.up, state)
        #expect(!health.ok && health.sentence == "Ready. Nobody is here yet.")
        #expect(health.problems.map(\.what) == ["Port 5006 (room Band) is not served: its engine is down"])
    }
}
