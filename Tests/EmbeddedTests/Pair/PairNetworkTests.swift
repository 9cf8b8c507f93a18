import Glibc
import Linux
import TestSupport
import Testing

/// Two engine processes that are a pair, on hosts of their own, whose cables are pulled.
@Suite(.enabled(if: TestNetwork.trouble == nil, "\(TestNetwork.trouble ?? "")"), .serialized)
struct PairNetworkTests {
    private static let hosts = ["A", "B", "C", "D"]

    private func run(
        isRealTime: Bool = true, waitsWhenUnsure: Bool = false,
        _ body: @escaping @Sendable (EnginePair) throws -> [String]
    ) throws {
        let faults = try RealTimeThread.run {
            let network = try TestNetwork(Self.hosts)
            return try body(
                EnginePair(network: network, isRealTime: isRealTime, waitsWhenUnsure: waitsWhenUnsure))
        }
        #expect(faults.isEmpty, "\(faults.prefix(8)), \(faults.count) in all")
    }

    @Test(arguments: [true, false])
    func `the cable of the hub that speaks is pulled: the other one goes on`(isRealTime: Bool) throws {
        try run(isRealTime: isRealTime) { pair in
            var tally = PairTally()
            for _ in 0..<PairTally.rounds(2) {
                guard let active = pair.speaker else { return pair.faults + ["nobody speaks"] }
                let (host, pause) = (pair.hosts[active], Int.random(in: 300..<600))
                tally.add(
                    try pair.round(
                        pause + 200,
                        [
                            50: { try pair.network?.plug(host, false) },
                            50 + pause: { try pair.network?.plug(host, true) },
                        ]
                    ) {
                        try pair.pumping("a pair again", pair.seen) { pair.speaker == 1 - active }
                    })
            }
            let faults = tally.end("cut off, \(isRealTime ? "with" : "without") real-time priority", pair, inDoubt: 1)
            // A hub that has its turn late knows late that its cable is pulled, and tells of many events at once.
            return isRealTime ? faults : []
        }
    }

    @Test func `the cable of the hub that stands by is pulled: nothing changes`() throws {
        try run { pair in
            var tally = PairTally()
            for index in 0..<PairTally.rounds(4) {
                guard let active = pair.speaker else { return pair.faults + ["nobody speaks"] }
                let (host, pause) = (pair.hosts[1 - active], Int.random(in: 300..<600))
                tally.add(
                    try pair.round(
                        pause + 200,
                        [
                            50: { try pair.network?.plug(host, false) },
                            50 + pause: { try pair.network?.plug(host, true) },
                        ]
                    ) {
                        try pair.pumping("a pair again", pair.seen) { pair.speaker == active }
                    })
                // The other one stands by in the next round.
                if index % 2 == 1 { continue }
                tally.add(
                    try pair.round(60, [30: { try pair.orderSwitch(by: 0) }]) {
                        try pair.pumping("the other one speaks", pair.seen) { pair.speaker == 1 - active }
                    })
            }
            return tally.end("the one that stands by was cut off", pair, inDoubt: 0)
        }
    }

    @Test func `only what is between the hubs is cut, and one who is on both tells: nobody takes over`() throws {
        try run { pair in
            let witness = try pair.join("Witness", on: "D")
            try pair.pumping("a witness", witness.error) { witness.error.contains("is heard once") }
            var tally = PairTally()
            for _ in 0..<PairTally.rounds(2) {
                guard let active = pair.speaker else { return pair.faults + ["nobody speaks"] }
                tally.add(try pair.partedRound(until: EnginePair.suspect, of: 1 - active) { pair.speaker == active })
            }
            return tally.end("parted with a witness", pair, inDoubt: 0)
        }
    }

    @Test func `only what is between the hubs is cut, and who is unsure waits: nobody takes over`() throws {
        try run(waitsWhenUnsure: true) { pair in
            var tally = PairTally()
            for _ in 0..<PairTally.rounds(2) {
                guard let active = pair.speaker else { return pair.faults + ["nobody speaks"] }
                tally.add(try pair.partedRound(until: EnginePair.suspect, of: 1 - active) { pair.speaker == active })
            }
            return tally.end("parted, waiting", pair, inDoubt: 0)
        }
    }

    @Test func `only what is between the hubs is cut, and nobody can tell: both speak, and one ceases when they meet`()
        throws
    {
        try run { pair in
            var healed: [Double] = []
            for _ in 0..<PairTally.rounds(2) {
                guard let active = pair.speaker else { return pair.faults + ["nobody speaks"] }
                try pair.network?.part(pair.hosts, true)
                try pair.pumping("both speak", pair.seen) {
                    pair.phase(0) == EnginePair.alone && pair.phase(1) == EnginePair.alone
                }
                let first = pair.heard.count
                try pair.play(400, [200: { try pair.network?.part(pair.hosts, false) }])
                // The one whose epoch is higher goes on.
                try pair.pumping("a pair again", pair.seen) { pair.speaker == 1 - active }
                let last = pair.heard[first...].last { $0.hub == active }?.at ?? 0
                healed.append(max(0, Double(last) - Double(pair.played[pair.played.count - 200].at)) / 1_000_000)
                let outcome = try pair.round(50, [:])
                if outcome.lost + outcome.again > 0 { pair.faults.append("after it: \(outcome)") }
            }
            print(
                "pair: \(healed.count) × both spoke: one ceased after the cable was plugged in: \(PairTally.spread(healed))"
            )
            return pair.faults.filter { !$0.contains("struck twice") }
        }
    }

    @Test func `UDP is blocked between the hubs and TCP is not: one speaks, and nothing is lost`() throws {
        try run { pair in
            func block(_ isBlocked: Bool) throws {
                for (host, other) in [("A", "B"), ("B", "A")] {
                    try pair.network?.dropUDP(to: host, from: other, isBlocked)
                }
            }
            var tally = PairTally()
            for _ in 0..<PairTally.rounds(2) {
                tally.add(
                    try pair.round(600, [50: { try block(true) }]) {
                        try pair.pumping("one of them speaks", pair.seen) {
                            [0, 1].count { [EnginePair.alone, EnginePair.active].contains(pair.phase($0)) } == 1
                        }
                    })
                // What the one that spoke could not tell of any more the other one has sent again.
                pair.faults.removeAll { $0.hasPrefix("struck twice") }
                tally.add(
                    try pair.round(200, [50: { try block(false) }]) {
                        try pair.pumping("a pair again", pair.seen) { pair.speaker != nil }
                    })
            }
            return tally.end("UDP was blocked, or open again", pair, inDoubt: 1)
        }
    }
}

extension EnginePair {
    /// One of our own programs on both hubs.
    func join(_ name: String, on host: String) throws -> Program {
        let words =
            try [builtProduct("midihub"), "join"] + [0, 1].map { "\(address($0)):\(ports[$0])" } + [
                "--name", name, "--dump",
            ]
        // Where many programs are busy it would answer late.
        let first = [installed("chrt")!, "--fifo", "9"] + words
        let all = network?.on(host, first) ?? first
        return try Program(all[0], Array(all.dropFirst()), in: directory, name: name)
    }

    /// The hubs do not reach each other until one of them has come to a phase.
    fileprivate func partedRound(until phase: Int, of hub: Int, then isWhole: () -> Bool) throws -> Outcome {
        try outcome {
            try network?.part(hosts, true)
            for _ in 0..<500 where self.phase(hub) != phase { try play(20) }
            if self.phase(hub) != phase { faults.append("the one that stands by did not come to phase \(phase)") }
            try play(100)
            try network?.part(hosts, false)
            try play(100)
        } until: {
            try pumping("a pair again", seen, isWhole)
        }
    }
}
