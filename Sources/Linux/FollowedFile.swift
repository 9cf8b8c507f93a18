import CLinux
import Glibc

/// Tells a loop when files change (inotify(7)), one watch a file or directory.
package struct ChangeNotifier: ~Copyable {
    private let descriptor: Descriptor
    package var number: CInt { descriptor.number }

    package init() throws(Errno) {
        descriptor = try Descriptor("inotify_init1") { inotify_init1(CInt(IN_CLOEXEC) | CInt(IN_NONBLOCK)) }
    }

    /// Names a watch in what `changed()` returns.
    package func watch(_ path: String) throws(Errno) -> CInt {
        try retrying("inotify_add_watch", path) {
            inotify_add_watch(descriptor.number, path, UInt32(IN_MODIFY))
        }
    }

    package func unwatch(_ watch: CInt) { _ = inotify_rm_watch(descriptor.number, watch) }

    /// The watches with news since last asked; nil where the kernel's queue overflowed: then look at every file.
    package func changed() -> Set<CInt>? {
        var found: Set<CInt> = []
        var overflow = false
        withUnsafeTemporaryAllocation(byteCount: 16384, alignment: 8) { buffer in
            while true {
                let count = read(descriptor.number, buffer.baseAddress, buffer.count)
                guard count > 0 else { break }
                var offset = 0
                while offset < count {
                    let event = buffer.load(fromByteOffset: offset, as: inotify_event.self)
                    if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { overflow = true }
                    found.insert(event.wd)
                    offset += MemoryLayout<inotify_event>.size + Int(event.len)
                }
            }
        }
        return overflow ? nil : found
    }
}

/// A file that another process appends to, read from an offset.
package struct AppendedFile: ~Copyable {
    private let file: Descriptor
    package let device: UInt64
    package let inode: UInt64

    package init(_ path: String) throws(Errno) {
        // Also for writing, so that the consumed front can be given back to the disk.
        let opened = try Descriptor("open", path) { open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_CREAT, 0o640) }
        var status = stat()
        try retrying("fstat", path) { fstat(opened.number, &status) }
        file = opened
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
    }

    package var size: Int64 {
        var status = stat()
        return fstat(file.number, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Bytes from `offset`; 0 at the end.
    package func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        while true {
            let count = pread(file.number, buffer.baseAddress, buffer.count, off_t(offset))
            if count >= 0 { return count }
            let code = midihub_errno()
            if code != EINTR { throw Errno(code: code, call: "read") }
        }
    }

    package func append(_ bytes: [UInt8]) throws(Errno) { try file.writeAll(bytes) }

    /// Gives the blocks from the start up to `offset` back to the file system (fallocate(2)); the offsets stay as they are.
    /// A file system that cannot do it keeps them: not an error, only space.
    @discardableResult
    package func punch(upTo offset: Int64) -> Bool {
        offset > 0 && midihub_fallocate(file.number, CInt(midihub_punch_hole), 0, off_t(offset)) == 0
    }
}
