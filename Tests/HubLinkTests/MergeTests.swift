import Foundation
import HubLink
import MIDI
import RTPMIDI
import Rooms
import TestSupport
import Testing

struct MergeTests {
    static let quiet = MergeStage.Path(latency: 5, jitter: 0, lost: 0, doubled: 0)

    private static func on(_ note: UInt8) -> Message {
        .noteOn(Channel(truncating: 0), note: DataByte(truncating: note), velocity: 100)
    }
    private static func off(_ note: UInt8) -> Message {
        .noteOff(Channel(truncating: 0), note: DataByte(truncating: note), velocity: 64)
    }

    /// Plays so many events of mixed music, at rest in the end.
    private static func play(_ count: Int, on stage: MergeStage, gap: ClosedRange<UInt64>) {
        for _ in 0..<count {
            switch Int.random(in: 0..<10, using: &stage.random) {
            case 0..<4: stage.play(on(UInt8.random(in: 40..<80, using: &stage.random)))
            case 4..<7: stage.play(off(UInt8.random(in: 40..<80, using: &stage.random)))
            case 7:
                stage.play(
                    .controlChange(
                        Channel(truncating: 0), controller: 64,
                        value: DataByte(truncating: UInt8.random(in: 0..<128, using: &stage.random))))
            case 8:
                stage.play(
                    .pitchBend(
                        Channel(truncating: 0), Bend(truncating: UInt16.random(in: 0..<16384, using: &stage.random))))
            default: stage.play([0xF8])
            }
            stage.pass(UInt64.random(in: gap, using: &stage.random))
        }
        for note in UInt8(40)..<80 { stage.play(off(note)) }
        stage.play(.controlChange(Channel(truncating: 0), controller: 64, value: 0))
        stage.play(.pitchBend(Channel(truncating: 0), .centre))
        stage.pass(30_000)
    }

    private static func isInOrder(_ stage: MergeStage) -> Bool {
        stage.heard.map(\.bytes) == stage.played && stage.heard.allSatisfy { $0.number != nil }
    }

    @Test func `what comes by two paths is let out once, in order`() {
        let stage = MergeStage([Self.quiet, .init(latency: 12, jitter: 0, lost: 0, doubled: 0)], seed: 1)
        Self.play(300, on: stage, gap: 0...50)
        #expect(Self.isInOrder(stage))
        #expect(stage.asked.isEmpty)
        let report = stage.statistics.report(of: 0, hubs: 2, at: stage.now)
        #expect(report.byBoth == UInt32(stage.played.count) && report.byThisOnly == 0 && report.byOthersOnly == 0)
        #expect(report.skewMedian == 7 && report.laterWithoutThis == 7)
        #expect(stage.statistics.report(of: 1, hubs: 2, at: stage.now).laterWithoutThis == 0)
    }

    @Test func `a path that dies costs nothing and delays nothing`() {
        let slow = MergeStage.Path(latency: 20, jitter: 0, lost: 0, doubled: 0)
        var first = Self.quiet
        first.dark = [1_002_000..<9_000_000]
        let stage = MergeStage([first, slow], seed: 2)
        for note in 0..<400 {
            stage.play(Self.on(UInt8(note % 128)))
            let before = stage.heard.count
            stage.pass(20)
            #expect(stage.heard.count == before + 1)
        }
        #expect(Self.isInOrder(stage) && stage.asked.isEmpty)
        #expect(!stage.lose(0))
        #expect(stage.lose(1))
    }

    @Test func `the last event before silence is heard though its packet was lost`() {
        let stage = MergeStage([.init(latency: 10, jitter: 0, lost: 0, doubled: 0)], seed: 3)
        stage.play(Self.on(60))
        stage.pass(1_000)
        stage.paths[0].lost = 100
        stage.play(Self.off(60))
        stage.pass(50)
        stage.paths[0].lost = 0
        stage.pass(200)
        #expect(Self.isInOrder(stage))
        #expect(stage.asked.isEmpty)
    }

    @Test func `events that more packets brought than are repeated are asked for`() {
        let stage = MergeStage([.init(latency: 10, jitter: 0, lost: 0, doubled: 0)], seed: 4)
        stage.play(Self.on(60))
        stage.pass(100)
        stage.paths[0].lost = 100
        for note in UInt8(0)..<20 {
            stage.play(Self.on(note))
            stage.pass(10)
        }
        stage.paths[0].lost = 0
        stage.play(Self.off(60))
        stage.pass(100)
        #expect(Self.isInOrder(stage))
        #expect(stage.asked == [.events(EventNumber(2), EventNumber(17))])
    }

    @Test func `questions that get lost are asked again, and cost no event`() {
        let stage = MergeStage([.init(latency: 10, jitter: 0, lost: 0, doubled: 0)], seed: 7)
        stage.play(Self.on(60))
        stage.pass(100)
        stage.paths[0].lost = 100
        for note in UInt8(0)..<20 {
            stage.play(Self.on(note))
            stage.pass(10)
        }
        stage.paths[0].lost = 0
        stage.play(Self.off(60))
        stage.paths[0].lost = 100
        stage.pass(150)
        stage.paths[0].lost = 0
        stage.pass(200)
        #expect(stage.asked.count > 3 && Set(stage.asked).count == 1)
        #expect(Self.isInOrder(stage))
    }

    @Test(arguments: [40, 300])
    func `a state of a hub that has begun anew does not stand for events that are under way by another`(count: Int) {
        let stage = MergeStage([Self.quiet, .init(latency: 60, jitter: 0, lost: 0, doubled: 0)], seed: 8)
        for _ in 0..<100 {
            stage.play([0xF8])
            stage.pass(25)
        }
        stage.paths[0].lost = 100
        for event in 0..<count {
            stage.play(Self.on(UInt8(event % 128)))
            if event % 10 == 9 { stage.pass(1) }
        }
        stage.paths[0].lost = 0
        stage.tellState(on: 0, isFinal: true)
        stage.pass(1_000)
        #expect(Self.isInOrder(stage))
    }

    @Test func `what nobody has any more is made up for by the state, and notes long past are not struck`() {
        let stage = MergeStage([.init(latency: 10, jitter: 0, lost: 0, doubled: 0)], seed: 5)
        stage.play(Self.on(60))
        stage.play(.controlChange(Channel(truncating: 0), controller: 7, value: 30))
        stage.pass(100)
        stage.paths[0].lost = 100
        stage.play(Self.off(60))
        stage.play(Self.on(61))
        stage.play(.controlChange(Channel(truncating: 0), controller: 7, value: 90))
        stage.forget()
        stage.pass(20_000)
        stage.paths[0].lost = 0
        stage.pass(20_000)
        #expect(stage.asked == [.events(EventNumber(3), EventNumber(5))])
        #expect(
            stage.heard.dropFirst(2).map(\.bytes) == [[0x80, 60, 64], [0xB0, 7, 90]]
                && stage.heard.dropFirst(2).allSatisfy { $0.number == nil })
        stage.play(Self.on(62))
        stage.pass(100)
        #expect(stage.heard.last?.bytes == [0x90, 62, 100] && stage.heard.last?.number == stage.last)
    }

    @Test func `after a pause of the network no notes of it are struck, and their ends and settings count`() {
        let stage = MergeStage([.init(latency: 10, jitter: 0, lost: 0, doubled: 0)], seed: 7)
        stage.play(Self.on(60))
        stage.pass(1_000)
        stage.paths[0].lost = 100
        for note in UInt8(0)..<20 {
            stage.play(Self.on(note))
            stage.pass(300)
            if note > 0 { stage.play(Self.off(note - 1)) }
        }
        stage.play(.controlChange(Channel(truncating: 0), controller: 7, value: 90))
        stage.play(.controlChange(Channel(truncating: 0), controller: 64, value: 127))
        stage.play(Self.off(60))
        stage.paths[0].lost = 0
        stage.play(Self.on(100))
        stage.pass(2_000)
        #expect(stage.known.held.holds(.controlChange(Channel(truncating: 0), controller: 64, value: 0)))
        let struck = stage.heard.map(\.bytes).filter { $0[0] == 0x90 }.map { $0[1] }
        // Those of the last quarter of a second are in time.
        #expect(struck.first == 60 && struck.last == 100 && struck.count < 12)
        #expect(
            stage.heard.contains { $0.bytes == [0x80, 60, 64] } && stage.heard.contains { $0.bytes == [0xB0, 7, 90] })
        #expect(stage.heard.filter { $0.bytes[0] == 0x80 }.count == 20)
    }

    @Test func `numbers pass 2 to the 32 without a gap`() {
        let stage = MergeStage(
            [Self.quiet, .init(latency: 30, jitter: 10, lost: 20, doubled: 5)], seed: 6, first: .max - 100)
        Self.play(300, on: stage, gap: 0...20)
        #expect(Self.isInOrder(stage))
        #expect(stage.last.rawValue < 1000)
    }

    /// How many random runs; `scripts/test --all` has more.
    static let rounds = Int(ProcessInfo.processInfo.environment["MIDIHUB_TEST_ROUNDS"] ?? "") ?? 1

    @Test(arguments: 0..<8)
    func `random losses, delays, repeats and deaths of two paths: each event once and in order, or the same state`(
        part: Int
    ) {
        for round in 0..<25 * Self.rounds {
            var random = SeededRandom(seed: UInt64(part) << 32 | UInt64(round))
            let paths = (0..<2).map { _ in
                var path = MergeStage.Path(
                    latency: .random(in: 1...300, using: &random), jitter: .random(in: 0...100, using: &random),
                    lost: [0, 1, 5, 30, 60].randomElement(using: &random)!,
                    doubled: [0, 5, 50].randomElement(using: &random)!)
                if Bool.random(using: &random) {
                    let from = 1_000_000 + UInt64.random(in: 0...3_000, using: &random)
                    path.dark = [from..<from + .random(in: 100...8_000, using: &random)]
                }
                return path
            }
            let stage = MergeStage(paths, seed: random.next())
            Self.play(60, on: stage, gap: 0...100)
            let numbers = stage.heard.compactMap(\.number).map { Int($0.rawValue) }
            let isOrdered = zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }
            let isRight = numbers.allSatisfy { number in
                stage.heard.contains {
                    $0.number == EventNumber(UInt32(number)) && $0.bytes == stage.played[number - 1]
                }
            }
            #expect(isOrdered && isRight, "part \(part), round \(round)")
            let isQuiet = stage.known.held.isEmpty
            #expect(isQuiet, "something hangs: part \(part), round \(round)")
            let report = stage.statistics.report(of: 0, hubs: 2, at: stage.now)
            // Whoever hears nothing of the beginning goes on from a state, as one who joins late.
            if report.repaired == 0, report.lost == 0, !stage.asked.contains(.state) {
                #expect(Self.isInOrder(stage), "part \(part), round \(round)")
            }
            #expect(!Self.strikesTwice(stage), "struck twice: part \(part), round \(round)")
        }
    }

    /// A note-on that was let out more often than it was played.
    private static func strikesTwice(_ stage: MergeStage) -> Bool {
        var balance: [UInt8: Int] = [:]
        for bytes in stage.played where bytes[0] == 0x90 { balance[bytes[1], default: 0] += 1 }
        for (bytes, _) in stage.heard where bytes[0] == 0x90 { balance[bytes[1], default: 0] -= 1 }
        return balance.values.contains { $0 < 0 }
    }
}
