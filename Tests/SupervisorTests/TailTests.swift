import Glibc
import Linux
import Supervisor
import TestSupport
import Testing

@Suite struct TailTests {
    /// What a reader of whole lines has taken, in order, each with its offset.
    private final class Reader {
        var lines: [String] = []
        var offsets: [Int64] = []
        /// Consumes nothing while it waits.
        var waits = false

        func consume(_ bytes: UnsafeRawBufferPointer, _ offset: Int64) -> Int {
            guard !waits else { return 0 }
            var used = 0
            while let end = bytes[used...].firstIndex(of: UInt8(ascii: "\n")) {
                lines.append(String(decoding: bytes[used..<end], as: UTF8.self))
                offsets.append(offset + Int64(used))
                used = end + 1
            }
            return used
        }
    }

    private let directory = TemporaryDirectory()
    private let reader = Reader()

    private func tail(from position: Tail.Position? = nil, file: String? = nil) throws -> Tail {
        try Tail(file ?? directory.file("log"), from: position) { [reader] in reader.consume($0, $1) }
    }

    private func append(_ text: String) throws {
        try AppendedFile(directory.file("log")).append(Array(text.utf8))
    }

    /// Reads and commits until nothing is left to read.
    private func readAll(_ tail: Tail) throws { while try tail.read() { tail.committed() } }

    @Test func `a half line waits for its end`() throws {
        let tail = try tail()
        try append("one\ntw")
        try readAll(tail)
        #expect(reader.lines == ["one"])
        #expect(tail.lag == 2)
        #expect(try !tail.read(), "there is nothing to commit")
        try append("o\n")
        try readAll(tail)
        #expect(reader.lines == ["one", "two"])
        #expect(reader.offsets == [0, 4])
        #expect(tail.lag == 0)
    }

    @Test func `nothing is read on before the last chunk is committed`() throws {
        let tail = try tail()
        try append("one\n")
        #expect(try tail.read())
        #expect(tail.awaitsCommit)
        #expect(tail.committedOffset == 0)
        #expect(tail.position.offset == 4, "the offset that goes into the transaction")
        try append("two\n")
        #expect(try !tail.read())
        #expect(reader.lines == ["one"])
        tail.committed()
        #expect(tail.committedOffset == 4)
        try readAll(tail)
        #expect(reader.lines == ["one", "two"])
    }

    @Test func `whatever was on record when the hub died, no line is lost or read twice`() throws {
        let lines = (0..<200).map { "line \($0)" }
        try append("")
        let start = try tail().position
        try append(lines.map { "\($0)\n" }.joined())
        let length = Int64(contents(of: directory.file("log")).count)
        for offset in stride(from: 0, through: length, by: 7) {
            // Positions on record always lie behind a line.
            let recorded =
                contents(of: directory.file("log")).prefix(Int(offset)).lastIndex(of: 10).map { Int64($0) + 1 } ?? 0
            let fresh = Reader()
            let tail = try Tail(
                directory.file("log"), from: .init(device: start.device, inode: start.inode, offset: recorded)
            ) { fresh.consume($0, $1) }
            try readAll(tail)
            #expect(fresh.lines == Array(lines.suffix(fresh.lines.count)))
            #expect(fresh.offsets.first ?? length == recorded)
        }
    }

    @Test func `what was written while nobody followed is told from what is new`() throws {
        try append("earlier\n")
        let position = try tail().position
        try append("meanwhile\n")
        let tail = try tail(from: position)
        #expect(tail.followedFrom == 18)
        try append("now\n")
        try readAll(tail)
        #expect(reader.lines == ["meanwhile", "now"])
        #expect(reader.offsets.map { $0 >= tail.followedFrom } == [false, true])
    }

    @Test func `without a position, or with one in another file, it begins at the end of what is there`() throws {
        try append("old\n")
        try readAll(try tail())
        let elsewhere = try tail(file: directory.file("other")).position
        try readAll(try tail(from: elsewhere))
        #expect(reader.lines.isEmpty)
    }

    @Test func `a log that was cut short while nobody followed is read from its beginning`() throws {
        try append("a long line that is gone\n")
        let position = try tail().position
        truncate(directory.file("log"), 0)
        try append("new\n")
        try readAll(try tail(from: position))
        #expect(reader.lines == ["new"])
    }

    @Test func `a log that is cut short under the reader is read from its beginning, and is all new`() throws {
        try append("a long line that was there before\n")
        let tail = try tail(from: try tail().position)
        try append("another\n")
        try readAll(tail)
        #expect(tail.followedFrom == 34)
        truncate(directory.file("log"), 0)
        try append("new\n")
        try readAll(tail)
        #expect(reader.lines == ["another", "new"])
        #expect(reader.offsets.last == 0)
        #expect(tail.committedOffset == 4)
        #expect(tail.followedFrom == 0)
    }

    @Test func `a log that was moved away is still read, but is not in its place`() throws {
        let tail = try tail()
        #expect(tail.isInPlace)
        rename(directory.file("log"), directory.file("log.1"))
        #expect(!tail.isInPlace)
        try AppendedFile(directory.file("log.1")).append(Array("one\n".utf8))
        try append("two\n")
        #expect(!tail.isInPlace)
        try readAll(tail)
        #expect(reader.lines == ["one"])
    }

    @Test func `a reader that waits with a full chunk loses nothing of it`() throws {
        let tail = try tail()
        let line = String(repeating: "x", count: 1023)
        for _ in 0..<4 { try append(String(repeating: "\(line)\n", count: 128)) }
        reader.waits = true
        #expect(try !tail.read())
        reader.waits = false
        try readAll(tail)
        #expect(reader.lines.count == 512)
    }

    @Test func `a chunk without any line end is stepped over`() throws {
        let tail = try tail()
        try append(String(repeating: "x", count: 300 << 10))
        try append("\nafter\n")
        try readAll(tail)
        #expect(reader.lines.last == "after")
        #expect(tail.lag == 0)
    }

    @Test func `a half line that a dead process left does not swallow the next one's first`() throws {
        let tail = try tail()
        try tail.endLine()
        #expect(contents(of: directory.file("log")).isEmpty, "an empty log needs no line end")
        try append("half")
        try tail.endLine()
        try tail.endLine()
        try append("whole\n")
        try readAll(tail)
        #expect(reader.lines == ["half", "whole"])
    }

    @Test func `what was known before the position is told again, and no more than that`() throws {
        try append("one\ntwo\n")
        let position = try tail().position
        try append("three\n")
        let tail = try tail(from: position)
        var told: [UInt8] = []
        try tail.replay(from: 4) { told += $0 }
        #expect(String(decoding: told, as: UTF8.self) == "two\n")
    }

    @Test func `the consumed front is given back to the disk, the last part kept`() throws {
        let tail = try tail()
        let block = String(repeating: String(repeating: "x", count: 1023) + "\n", count: 1024)
        for _ in 0..<9 { try append(block) }
        try readAll(tail)
        #expect(reader.lines.count == 9 * 1024)
        var status = stat()
        #expect(stat(directory.file("log"), &status) == 0)
        #expect(status.st_size == 9 << 20, "offsets stay as they are")
        #expect(status.st_blocks * 512 < 2 << 20)
        let end = contents(of: directory.file("log")).suffix(256 << 10)
        #expect(!end.contains(0))
    }
}
