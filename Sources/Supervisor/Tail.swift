import Glibc
package import Linux

/// Follows one service's log from a byte offset that its owner keeps in a database. Lives on one `EventLoop`.
///
/// The owner consumes whole lines, writes what they say and the new offset in one transaction, and calls `committed`:
/// only then is the next chunk read, so the database sets the pace and nothing is read twice or never.
package final class Tail {
    package struct Position: Equatable, Sendable {
        package let device: UInt64
        package let inode: UInt64
        package let offset: Int64
        package init(device: UInt64, inode: UInt64, offset: Int64) {
            (self.device, self.inode, self.offset) = (device, inode, offset)
        }
    }

    private static let chunkSize = 256 << 10
    /// The consumed front of the log is given back from this much on, the last part kept for people to read.
    private static let punchFrom: Int64 = 8 << 20
    private static let kept: Int64 = 256 << 10

    private let file: AppendedFile
    private var offset: Int64
    package private(set) var committedOffset: Int64
    private var punched: Int64 = 0
    private var waiting = false
    /// Bytes up to here were written while nobody read: their lines have no time of their own.
    package private(set) var followedFrom: Int64
    private let path: String
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Tail.chunkSize, alignment: 16)
    private let consume: (UnsafeRawBufferPointer, Int64) -> Int

    /// `consume` gets bytes and the offset of the first, and returns how many it used up: whole lines only. What it leaves
    /// is read again, with what has come behind it. Where `position` is nil or of another file, reading begins at the end
    /// of what is there.
    package init(
        _ path: String, from position: Position?, consume: @escaping (UnsafeRawBufferPointer, Int64) -> Int
    ) throws(Errno) {
        file = try AppendedFile(path)
        self.path = path
        self.consume = consume
        let size = file.size
        followedFrom = size
        if let position, position.device == file.device, position.inode == file.inode {
            // The file has been cut short: what the offset counted is gone, and what is there has not been read.
            offset = position.offset <= size ? position.offset : 0
        } else {
            offset = size
        }
        committedOffset = offset
    }

    /// Hands over what lies before the present position, from `start` on, to rebuild what was known by then.
    package func replay(from start: Int64, _ body: (UnsafeRawBufferPointer) -> Void) throws(Errno) {
        var cursor = start
        while cursor < offset {
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, Int(offset - cursor))])
            let count = try file.read(at: cursor, into: part)
            guard count > 0 else { return }
            body(UnsafeRawBufferPointer(rebasing: part[..<count]))
            cursor += Int64(count)
        }
    }

    deinit { buffer.deallocate() }

    package var position: Position { Position(device: file.device, inode: file.inode, offset: offset) }
    /// Bytes written but not yet taken.
    package var lag: Int64 { max(0, file.size - offset) }
    /// Whether its path still leads to the file being followed. A process that runs goes on writing to that one, a new one
    /// would write to another, which nobody reads.
    package var isInPlace: Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_dev == file.device && status.st_ino == file.inode
    }

    /// Whether the last read waits for its `committed`.
    package var awaitsCommit: Bool { waiting }

    /// Before a new process writes here: a half line that its predecessor left must not swallow the first new one.
    package func endLine() throws(Errno) {
        let size = file.size
        guard size > 0 else { return }
        let last = UnsafeMutableRawBufferPointer(rebasing: buffer[..<1])
        guard try file.read(at: size - 1, into: last) == 1, last[0] != UInt8(ascii: "\n") else { return }
        try file.append([UInt8(ascii: "\n")])
    }

    /// Reads one chunk if the last one is committed; true where something was consumed and a commit is now due.
    package func read() throws(Errno) -> Bool {
        guard !waiting else { return false }
        // Somebody has cut the file short: what is there now is new.
        if file.size < offset { (offset, committedOffset, punched, followedFrom) = (0, 0, 0, 0) }
        let count = try file.read(at: offset, into: buffer)
        guard count > 0 else { return false }
        let used = consume(UnsafeRawBufferPointer(rebasing: buffer[..<count]), offset)
        precondition(used <= count, "a log reader cannot use more than it was given")
        // A full buffer without a line end is no line of any log we know, and is skipped. With one, the owner waits for
        // something.
        let isEndless = used == 0 && count == buffer.count && !buffer.contains(UInt8(ascii: "\n"))
        let step = isEndless ? count : used
        guard step > 0 else { return false }
        offset += Int64(step)
        waiting = true
        return true
    }

    /// The transaction with `position` is on disk, or was given up and counted: reading goes on.
    package func committed() {
        waiting = false
        committedOffset = offset
        if committedOffset - punched >= Self.punchFrom {
            punched = committedOffset - Self.kept
            file.punch(upTo: punched)
        }
    }
}
