import Foundation
import Store
import Synchronization
import Testing

/// A hub that is killed as the out-of-memory killer does it.
struct KillTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Each line read is a sample whose time is its number; each commit is some lines, the offset behind them and an event.
    @Test func `killing the hub at any point neither loses nor doubles a line`() async throws {
        let path = scratch.path
        var commits: Int64 = 0
        var reached: Int64 = 0
        for round in 0..<15 {
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, round = round as Int] in
                try await Reader(path).readUntilKilled(afterCommits: round * 7 % 40)
            }
            let (confirmed, lines) = try acknowledged()
            // Every second time another program opens the file first, so that the log is not always recovered by our
            // code.
            if round % 2 == 1 { #expect(try Stranger(path).run("PRAGMA integrity_check") == "ok") }

            let database = try Database(path: path)
            #expect(await database.drainNotices() == [])
            let offset = try #require(try await database.offsets().first).offset
            let points = try await points(database, limit: .max)
            #expect(points.map(\.at.milliseconds) == Array(0..<offset))
            let last = try #require(try await database.eventIDs()).upperBound
            #expect(try await database.events(limit: 1).map(\.text) == [Reader.text(last - 1, offset)])
            // What was answered is there; beyond it at most the one commit that was under way, and all of it.
            #expect(last == confirmed || (last == confirmed + 1 && offset == lines + Reader.lines(in: confirmed)))
            if last == confirmed { #expect(offset == lines) }
            #expect(last > commits && offset > reached)
            (commits, reached) = (last, offset)
            await database.close()
            try acknowledge(last, offset)
        }
    }

    private func acknowledged() throws -> (commits: Int64, lines: Int64) {
        try scratch.bytes("hub.sqlite.acknowledged").withUnsafeBytes {
            ($0.load(as: Int64.self), $0.load(fromByteOffset: 8, as: Int64.self))
        }
    }

    private func acknowledge(_ commits: Int64, _ lines: Int64) throws {
        try scratch.write(withUnsafeBytes(of: (commits, lines)) { Array($0) }, to: "hub.sqlite.acknowledged")
    }
}

/// What runs in the process that is killed: goes on from the offset it finds, noting each commit that was answered.
private struct Reader {
    private let path: String

    init(_ path: String) { self.path = path }

    static func lines(in commit: Int64) -> Int64 { commit * 37 % 400 + 1 }

    /// In every other stretch of twenty commits, each fifth is larger than the page cache, so that it spills, and three
    /// of those are larger than the log may grow.
    static func text(_ commit: Int64, _ offset: Int64) -> String {
        let isLarge = commit / 20 % 2 == 0 && commit % 5 == 0
        return "up to \(offset)" + String(repeating: ".", count: isLarge ? 3_000_000 : 0)
    }

    func readUntilKilled(afterCommits: Int) async throws {
        let database = try Database(path: path)
        let file = open(path + ".acknowledged", O_RDWR | O_CREAT, 0o600)
        var offset = try await database.offsets().first?.offset ?? 0
        var commits = try await database.eventIDs()?.upperBound ?? 0
        // Made ready beforehand: the signal is to come while the store writes, not while the test makes up its lines.
        var prepared: [(changes: [Change], end: Int64)] = []
        for number in commits..<commits + Int64(afterCommits) + 60 {
            let start = prepared.last?.end ?? offset
            let end = start + Self.lines(in: number)
            let rows = (start..<end).map { sample(1, at: $0, $0) }
            let tail = TailOffset(log: "engine", device: 1, inode: 2, offset: end)
            prepared.append(([.visit(visit(1))] + rows + [.offset(tail), event(Self.text(number, end))], end))
        }
        let done = Progress()
        // Another thread, so that the signal comes wherever the writing one happens to be.
        Thread.detachNewThread {
            while done.commits.load(ordering: .relaxed) <= afterCommits {}
            for _ in 0..<Int.random(in: 0..<200_000) { done.spins.add(1, ordering: .relaxed) }
            kill(getpid(), SIGKILL)
        }
        for (changes, end) in prepared {
            commits = try await database.commit(changes)
            offset = end
            withUnsafeBytes(of: (commits, offset)) { _ = pwrite(file, $0.baseAddress, $0.count, 0) }
            done.commits.add(1, ordering: .relaxed)
        }
        while true { pause() }
    }

    private final class Progress: Sendable {
        let commits = Atomic(0)
        let spins = Atomic(0)
    }
}
