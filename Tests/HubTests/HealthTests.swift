import EngineProtocol
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

    @Test func `what the hub's death would mean is said where somebody stands on other hubs too`() {
        func person(_ link: EngineStatus.Link?) -> Snapshot.Participant {
            var person = Snapshot.Participant(
                id: 1, name: "Piano", room: "Band", port: 5004, engine: "engine", since: 0)
            person.link = link
            return person
        }
        func sentence(_ people: [Snapshot.Participant]) -> String {
            var engine = Snapshot.Engine(name: "engine", port: 5004, room: "Band", since: 0)
            engine.state = .up
            return Snapshot.Health.judge(
                engines: [engine], participants: people, store: Snapshot.Store(), carrierProblems: [], startedAt: 0,
                now: 10_000
            ).sentence
        }
        let both = EngineStatus.Link(hubs: 2, byBoth: 800, laterWithoutThis: 0.6)
        let lame = EngineStatus.Link(hubs: 3, byBoth: 800, byThisOnly: 4, laterWithoutThis: 0.2)
        #expect(!sentence([person(nil), person(.init(hubs: 1, byThisOnly: 9))]).contains("died"))
        #expect(
            sentence([person(nil), person(both)]).hasSuffix(
                " If this hub died now: 0 lost, 0.6 ms later, for the 1 who is on other hubs too."))
        #expect(
            sentence([person(both), person(lame)]).hasSuffix(
                " If this hub died now: 4 lost, 0.6 ms later, for the 2 who are on other hubs too."))
        #expect(both.remark?.contains("800 events by both, 0 by this hub only, 0 by others only") ?? false)
        #expect(EngineStatus.Link(hubs: 1).remark == nil)
    }
}
