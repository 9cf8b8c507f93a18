import CLinux
import Glibc

/// A file mapped into memory (mmap(2), shared), whose content survives `kill -9` of the program. Where the file cannot
/// be opened or mapped, ordinary memory is used instead and `failure` says why.
package final class MappedFile {
    package let memory: UnsafeMutableRawPointer
    package let size: Int
    /// Why the content will not outlive the program; nil where it will.
    package let failure: Errno?
    /// How large the file was, 0 for a new one.
    package let sizeBefore: Int

    /// `size` bytes, zero where the file had another size; with `keepsShorter` a shorter one is kept, and zero behind it.
    package init(path: String, size: Int, keepsShorter: Bool = false) {
        self.size = size
        do throws(Errno) {
            (memory, sizeBefore) = try Self.map(path, size, keepsShorter)
            failure = nil
        } catch {
            memory = .allocate(byteCount: size, alignment: 4096)
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
            (failure, sizeBefore) = (error, 0)
        }
    }

    deinit {
        if failure == nil { munmap(memory, size) } else { memory.deallocate() }
    }

    private static func map(
        _ path: String, _ size: Int, _ keepsShorter: Bool
    ) throws(Errno) -> (memory: UnsafeMutableRawPointer, sizeBefore: Int) {
        let file = try Descriptor("open", path) {
            open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o600)
        }
        let number = file.number
        var facts = stat()
        try retrying("fstat", path) { fstat(number, &facts) }
        guard facts.st_mode & S_IFMT == S_IFREG else { throw Errno(code: EINVAL, call: "no plain file", thing: path) }
        let isKept = Int(facts.st_size) == size || keepsShorter && Int(facts.st_size) < size
        if !isKept { try retrying("ftruncate", path) { ftruncate(number, 0) } }
        // Room on the disk now, not when a page is first written to: that would be a SIGBUS.
        let code = posix_fallocate(number, 0, off_t(size))
        guard code == 0 else { throw Errno(code: code, call: "fallocate", thing: path) }
        guard let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, number, 0), memory != MAP_FAILED else {
            throw Errno(code: midihub_errno(), call: "mmap", thing: path)
        }
        return (memory, Int(facts.st_size))
    }
}
