import Glibc
import HTTP
import Linux
import Testing

/// Through `StaticFiles`, as the cache is used.
struct FileCacheTests {
    /// Asks until the file is old enough to be kept.
    private func keep(_ path: String, _ files: StaticFiles) throws {
        let before = files.cachedBytes
        try wait("\(path) is kept") {
            _ = files.response(to: Request(path: path))
            return files.cachedBytes != before
        }
    }

    @Test func `a file is kept once it has been still, and its change on disk is seen`() throws {
        let directory = try Directory()
        try directory.write("a", "one")
        let files = StaticFiles(directory: directory.path)
        try keep("/a", files)
        #expect(files.cachedBytes == 3)
        try directory.write("a", "two")
        #expect(files.response(to: Request(path: "/a")).body == Array("two".utf8))
        try directory.write("a", "three!")
        #expect(files.response(to: Request(path: "/a")).body == Array("three!".utf8))
        try retrying("unlink") { unlink("\(directory.path)/a") }
        #expect(files.response(to: Request(path: "/a")).status == .notFound)
    }

    @Test func `a change with its old time put back is seen`() throws {
        let directory = try Directory()
        try directory.write("a", "one")
        let files = StaticFiles(directory: directory.path)
        let old = [timespec(tv_sec: 1_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000, tv_nsec: 0)]
        try retrying("utimensat") { utimensat(AT_FDCWD, "\(directory.path)/a", old, 0) }
        try keep("/a", files)
        try directory.write("a", "two")
        try retrying("utimensat") { utimensat(AT_FDCWD, "\(directory.path)/a", old, 0) }
        #expect(files.response(to: Request(path: "/a")).body == Array("two".utf8))
    }

    @Test func `what is kept is bounded, the least used given up`() throws {
        let directory = try Directory()
        let files = StaticFiles(directory: directory.path, cacheBytes: 10)
        for name in ["a", "b", "c"] { try directory.write(name, "1234") }
        try directory.write("large", "12345678901")
        try keep("/a", files)
        try keep("/b", files)
        #expect(files.cachedBytes == 8)
        for path in ["/c", "/large", "/a", "/b"] {
            #expect(files.response(to: Request(path: path)).status == .ok)
            #expect(files.cachedBytes <= 10)
        }
    }
}
