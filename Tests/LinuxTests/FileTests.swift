import Foundation
import Linux
import Synchronization
import TestSupport
import Testing

@Suite struct FileTests {
    @Test func `a replaced file is whole, private and leaves nothing beside it`() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/token"
        try File.replace(path, with: Array("one".utf8), mode: 0o600)
        try File.replace(path, with: Array("two".utf8), mode: 0o600)
        #expect(File.text(path) == "two")
        #expect(File.names(in: scratch.path) == ["token"])
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
    }

    @Test(.enabled(if: SmallDisk.isAllowed, "no file system can be mounted here"))
    func `what cannot be written is named`() throws {
        let disk = try #require(SmallDisk(megabytes: 1))
        disk.fill()
        do {
            try File.replace("\(disk.directory)/token", with: [UInt8](repeating: 7, count: 4096))
            Issue.record("the disk is not full")
        } catch { #expect("\(error)" == "write \(disk.directory)/token: No space left on device") }
    }

    @Test func `a lock is seen without being taken, and freed with its holder`() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/lock"
        #expect(!FileLock.isHeld(path))
        do {
            guard let lock = try FileLock(path) else {
                Issue.record("nobody holds it")
                return
            }
            #expect(FileLock.isHeld(path))
            if try FileLock(path) != nil { Issue.record("it was taken twice") }
            try lock.write("pid 7\n")
            try lock.write("8\n")
            #expect(File.text(path) == "8\n")
        }
        #expect(!FileLock.isHeld(path))
    }

    @Test func `a lock that is kept is held until the process ends`() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/lock"
        guard let lock = try FileLock(path) else {
            Issue.record("nobody holds it")
            return
        }
        lock.keep()
        #expect(FileLock.isHeld(path))
    }

    @Test func `directories are made with their parents, a file in the way is an error`() throws {
        let scratch = try Scratch()
        try File.makeDirectory("\(scratch.path)/a/b/c", mode: 0o750)
        try File.makeDirectory("\(scratch.path)/a/b/c", mode: 0o750)
        #expect(File.isDirectory("\(scratch.path)/a/b/c"))
        try File.replace("\(scratch.path)/file", with: [])
        #expect(throws: Errno.self) { try File.makeDirectory("\(scratch.path)/file") }
    }

    @Test func `a directory that several make at once is there for all of them`() throws {
        for _ in 0..<100 {
            let scratch = try Scratch()
            let failures = Mutex<[Errno]>([])
            let path = scratch.path
            DispatchQueue.concurrentPerform(iterations: 4) { _ in
                do throws(Errno) { try File.makeDirectory("\(path)/a/b/c/d/e/f") } catch {
                    failures.withLock { $0.append(error) }
                }
            }
            #expect(failures.withLock { $0 }.isEmpty)
        }
    }

    @Test func `a file that cannot be read says why, a pipe without a writer is not waited for`() throws {
        let scratch = try Scratch()
        #expect {
            _ = try File.read(scratch.path, limit: 10)
        } throws: { ($0 as? Errno)?.code == EISDIR }
        #expect(File.bytes("\(scratch.path)/none") == nil)
        let pipe = "\(scratch.path)/pipe"
        try retrying("mkfifo") { mkfifo(pipe, 0o600) }
        #expect(try File.read(pipe, limit: 10).isEmpty)
        try File.replace("\(scratch.path)/file", with: Array("0123456789abc".utf8))
        #expect(try File.read("\(scratch.path)/file", limit: 10).count == 10)
    }

    @Test func `the consumed front of a log is given back while its offsets stay`() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/log"
        try File.replace(path, with: [UInt8](repeating: 65, count: 3 << 20))
        let file = try AppendedFile(path)
        let punched = file.punch(upTo: 2 << 20)
        try #require(punched, "this file system cannot punch holes; the test needs one that can")
        var status = stat()
        stat(path, &status)
        let size = file.size
        #expect(size == 3 << 20)
        #expect(status.st_blocks * 512 <= (1 << 20) + 65536)
        var bytes = [UInt8](repeating: 0, count: 4)
        let count = try bytes.withUnsafeMutableBytes { try file.read(at: 2 << 20, into: $0) }
        #expect(count == 4 && bytes == [65, 65, 65, 65])
    }
}
