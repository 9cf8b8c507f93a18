import Glibc
import Linux
import TestSupport
import Testing

/// Two engine processes that are a pair, of which the one that speaks ends or hangs, again and again, while somebody plays
/// who stands on both.
@Suite(.serialized) struct PairKillTests {
    @Test func `the hub that speaks is killed: the other one goes on, nothing is doubled, nothing hangs`() throws {
        let faults = try RealTimeThread.run {
            let pair = try EnginePair()
            var tally = PairTally()
            var (bare, gaps): ([Double], [Double]) = ([], [])
            for _ in 0..<PairTally.rounds(8) {
                guard let active = pair.speaker else { return pair.faults + ["nobody speaks"] }
                let victim = pair.engines[active]
                // What a program that does nothing else sees of the end, by the same loop.
                let watch = try Sockets.connect(Sockets.Address(host: "127.0.0.1", port: pair.ports[active]))
                var (killedAt, endedAt): (UInt64?, UInt64?)
                func kill() {
                    killedAt = SystemTime.monotonicNanoseconds
                    victim.send(SIGKILL)
                }
                func look() {
                    var octets = [UInt8](repeating: 0, count: 64)
                    guard killedAt != nil, endedAt == nil, recv(watch.number, &octets, 64, CInt(MSG_DONTWAIT)) == 0
                    else {
                        return
                    }
                    endedAt = SystemTime.monotonicNanoseconds
                }
                let index = Int.random(in: 10..<40)
                let outcome = try pair.round(100, [index: kill]) {
                    try eventually("it is dead") { victim.exit != nil }
                    try pair.start(active)
                    try pair.pumping("a pair again", pair.seen) { pair.speaker == 1 - active }
                } meanwhile: {
                    look()
                }
                tally.add(outcome)
                gaps.append(outcome.late[index..<index + 20].max()!)
                if let killedAt, let endedAt { bare.append(Double(endedAt - killedAt) / 1_000_000) }
            }
            print(
                "pair: the latest of what was played as a hub died: \(PairTally.spread(gaps)); the end itself is seen after",
                PairTally.spread(bare))
            return tally.end("killed", pair, inDoubt: 1)
        }
        #expect(faults.isEmpty, "\(faults.prefix(8)), \(faults.count) in all")
    }

    @Test
    func `the hub that speaks hangs for longer than it is waited for: not one event comes from it when it goes on`()
        throws
    {
        let faults = try RealTimeThread.run {
            let pair = try EnginePair()
            var tally = PairTally()
            for _ in 0..<PairTally.rounds(4) {
                guard let active = pair.speaker else { return pair.faults + ["nobody speaks"] }
                let victim = pair.engines[active]
                var before = 0
                let pause = Int.random(in: 200..<600)
                tally.add(
                    try pair.round(
                        pause + 200,
                        [
                            50: { victim.send(SIGSTOP) },
                            50 + pause: {
                                before = pair.heard.count
                                victim.send(SIGCONT)
                            },
                        ]
                    ) {
                        try pair.pumping("a pair again", pair.seen) { pair.speaker == 1 - active }
                    })
                let late = pair.heard[before...].filter { $0.hub == active }
                if !late.isEmpty {
                    pair.faults.append("\(late.count) came from the one that had hung: \(late.prefix(3))")
                }
            }
            return tally.end("hung", pair, inDoubt: 1)
        }
        #expect(faults.isEmpty, "\(faults.prefix(8)), \(faults.count) in all")
    }

    @Test func `an order under load: nothing is lost, nothing is doubled`() throws {
        let faults = try RealTimeThread.run {
            let pair = try EnginePair()
            var tally = PairTally()
            for index in 0..<PairTally.rounds(10) {
                guard let active = pair.speaker else { return pair.faults + ["nobody speaks"] }
                // Either hub takes the order.
                tally.add(
                    try pair.round(60, [30: { try pair.orderSwitch(by: index / 2 % 2) }]) {
                        try pair.pumping("the other one speaks", pair.seen) { pair.speaker == 1 - active }
                    })
            }
            return tally.end("switched", pair, inDoubt: 0)
        }
        #expect(faults.isEmpty, "\(faults.prefix(8)), \(faults.count) in all")
    }
}
