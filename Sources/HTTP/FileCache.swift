import Glibc
import Linux
import Synchronization

/// What tells one content of a file from the next without reading it: stat(2). The change time catches a file rewritten in
/// place whose modification time was set back.
struct FileIdentity: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
    let size: Int
    let modified: Int64
    let changed: Int64

    /// nil for what is no regular file. Times in nanoseconds since 1970.
    init?(of file: borrowing Descriptor) throws(Errno) {
        var entry = stat()
        try retrying("fstat") { fstat(file.number, &entry) }
        guard entry.st_mode & S_IFMT == S_IFREG else { return nil }
        device = UInt64(entry.st_dev)
        inode = UInt64(entry.st_ino)
        size = Int(entry.st_size)
        modified = Int64(entry.st_mtim.tv_sec) * 1_000_000_000 + Int64(entry.st_mtim.tv_nsec)
        changed = Int64(entry.st_ctim.tv_sec) * 1_000_000_000 + Int64(entry.st_ctim.tv_nsec)
    }

    /// The file system's clock steps in milliseconds: a file this fresh may change again without looking different.
    var isFresh: Bool { SystemTime.unixNanoseconds - max(modified, changed) < 100_000_000 }
}

/// File contents by path, the least recently asked for given up first.
final class FileCache: Sendable {
    struct Content: Sendable {
        let bytes: [UInt8]
        let tag: EntityTag
    }
    private struct Entry {
        var identity: FileIdentity
        var content: Content
        var used: UInt64
    }
    private struct State {
        var entries: [String: Entry] = [:]
        var bytes = 0
        var uses: UInt64 = 0
    }
    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int) { self.capacity = capacity }

    /// How much is kept.
    var byteCount: Int { state.withLock(\.bytes) }

    /// The content of `file`, which has that identity, kept from before or read now.
    func content(at path: String, _ identity: FileIdentity, _ file: borrowing Descriptor) throws(Errno) -> Content {
        let kept = state.withLock { state -> Content? in
            guard state.entries[path]?.identity == identity else { return nil }
            state.uses += 1
            state.entries[path]?.used = state.uses
            return state.entries[path]?.content
        }
        if let kept { return kept }
        let bytes = try Self.read(file, identity.size)
        let content = Content(bytes: bytes, tag: EntityTag(of: bytes))
        // A file that changed while it was read may be half old and half new. It is served, but not kept.
        if try FileIdentity(of: file) == identity, bytes.count == identity.size, !identity.isFresh {
            keep(content, at: path, identity)
        }
        return content
    }

    private func keep(_ content: Content, at path: String, _ identity: FileIdentity) {
        guard content.bytes.count <= capacity else { return }
        state.withLock { state in
            if let old = state.entries.removeValue(forKey: path) { state.bytes -= old.content.bytes.count }
            while state.bytes + content.bytes.count > capacity,
                let oldest = state.entries.min(by: { $0.value.used < $1.value.used })
            {
                state.entries[oldest.key] = nil
                state.bytes -= oldest.value.content.bytes.count
            }
            state.uses += 1
            state.bytes += content.bytes.count
            state.entries[path] = Entry(identity: identity, content: content, used: state.uses)
        }
    }

    private static func read(_ file: borrowing Descriptor, _ size: Int) throws(Errno) -> [UInt8] {
        var failure: Errno?
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            do throws(Errno) {
                while count < size {
                    let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
                    guard case .bytes(let read) = try file.read(into: rest) else { return }
                    count += read
                }
            } catch { failure = error }
        }
        if let failure { throw failure }
        return bytes
    }
}
