import CLinux
import Glibc

/// Whole small files, written so that a reader sees the old or the new one, never half.
package enum File {
    /// The first `limit` bytes.
    package static func read(_ path: String, limit: Int) throws(Errno) -> [UInt8] {
        // Non-blocking, because a named pipe of that name would otherwise block the open.
        let file = try Descriptor("open", path) { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: min(limit, 65536))
        while result.count < limit {
            let count = Glibc.read(file.number, &buffer, min(buffer.count, limit - result.count))
            if count == 0 { break }
            if count < 0 {
                let code = midihub_errno()
                if code == EINTR { continue }
                throw Errno(code: code, call: "read", thing: path)
            }
            result += buffer[..<count]
        }
        return result
    }

    /// As `read`; nil where it cannot be read.
    package static func bytes(_ path: String, limit: Int = 1 << 20) -> [UInt8]? { try? read(path, limit: limit) }

    /// As `bytes`, with invalid UTF-8 repaired.
    package static func text(_ path: String, limit: Int = 1 << 20) -> String? {
        bytes(path, limit: limit).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Writes `path` by way of a synced file beside it and rename(2).
    package static func replace(_ path: String, with content: [UInt8], mode: UInt32 = 0o644) throws(Errno) {
        let temporary = "\(path).new"
        let file = try Descriptor("open", temporary) { open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode) }
        try retrying("chmod", temporary) { fchmod(file.number, mode) }
        do throws(Errno) {
            do throws(Errno) { try file.writeAll(content) } catch {
                throw Errno(code: error.code, call: error.call, thing: path)
            }
            try retrying("fsync", temporary) { fsync(file.number) }
            try retrying("rename", path) { rename(temporary, path) }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Makes a directory and its parents; one that is there already is left as it is.
    package static func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(Errno) {
        if mkdir(path, mode) == 0 { return }
        let code = midihub_errno()
        if code == EEXIST, isDirectory(path) { return }
        guard code == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw Errno(code: code, call: "make directory", thing: path)
        }
        try makeDirectory(String(path[..<slash]))
        // Another process may have been quicker, as several hubs are started at once.
        if mkdir(path, mode) == 0 { return }
        let second = midihub_errno()
        guard second == EEXIST, isDirectory(path) else {
            throw Errno(code: second, call: "make directory", thing: path)
        }
    }

    package static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    package static func remove(_ path: String) { unlink(path) }
    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
    package static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 && !isDirectory(path) }

    package static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether a directory lies on tmpfs (statfs(2), TMPFS_MAGIC).
    package static func isMemory(_ path: String) -> Bool {
        midihub_filesystem_type(path) == 0x0102_1994
    }

    /// Opens for reading and closes again: a device that exists may still refuse (snd-seq on a cloud kernel does).
    package static func opensForReadingAndWriting(_ path: String) -> Errno? {
        do throws(Errno) {
            _ = try Descriptor("open", path) { open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK) }
            return nil
        } catch { return error }
    }
}

/// An exclusive lock on a file (open file description locks, fcntl(2)), held until it goes out of scope or the process
/// ends, however it ends. Unlike flock(2) it can be asked about without being taken for a moment.
package struct FileLock: ~Copyable, Sendable {
    private let file: Descriptor

    /// nil where another process holds it.
    package init?(_ path: String) throws(Errno) {
        let file = try Descriptor("open", path) { Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644) }
        var range = flock(l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
        do throws(Errno) {
            try retrying("lock", path) { fcntl(file.number, midihub_ofd_setlk, &range) }
        } catch {
            if error.code == EAGAIN || error.code == EACCES { return nil }
            throw error
        }
        self.file = file
    }

    /// Holds the lock until the process has ended, so that the next holder finds it completely gone.
    package consuming func keep() { file.keep() }

    /// Whether a process holds it now; asked also where nothing can be written.
    package static func isHeld(_ path: String) -> Bool {
        guard let file = try? Descriptor("open", path, { Glibc.open(path, O_RDONLY | O_CLOEXEC) }) else { return false }
        var range = flock(l_type: Int16(F_WRLCK), l_whence: Int16(SEEK_SET), l_start: 0, l_len: 0, l_pid: 0)
        return fcntl(file.number, midihub_ofd_getlk, &range) == 0 && range.l_type != Int16(F_UNLCK)
    }

    /// Replaces what the file says of its holder.
    package func write(_ text: String) throws(Errno) {
        try retrying("truncate") { ftruncate(file.number, 0) }
        lseek(file.number, 0, SEEK_SET)
        try file.writeAll(Array(text.utf8))
    }
}
