import Glibc

/// A small file system in memory for one test, unmounted when the last reference goes.
package final class SmallDisk: Sendable {
    package let directory: String
    private let isOurs: Bool

    /// At an existing directory, or one of its own; nil where mounting is not allowed.
    package init?(megabytes: Int, at path: String? = nil) {
        var template = Array("/tmp/disk-XXXXXX".utf8CString)
        if let path {
            directory = path
        } else {
            guard mkdtemp(&template) != nil else { return nil }
            directory = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }  // it ends in 0
        }
        isOurs = path == nil
        guard mount("tmpfs", directory, "tmpfs", 0, "size=\(megabytes)m,mode=750") == 0 else {
            if isOurs { rmdir(directory) }
            return nil
        }
    }

    deinit { end() }

    /// Unmounts it, even where somebody still has files of it open.
    package func end() {
        umount2(directory, Int32(MNT_DETACH))
        if isOurs { rmdir(directory) }
    }

    package func grow(megabytes: Int) -> Bool {
        mount("tmpfs", directory, "tmpfs", UInt(MS_REMOUNT), "size=\(megabytes)m") == 0
    }

    package func makeReadOnly() -> Bool {
        mount("tmpfs", directory, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0
    }

    /// Fills what is left, to the last byte.
    package func fill() {
        let file = open("\(directory)/ballast", O_WRONLY | O_CREAT | O_APPEND, 0o600)
        defer { close(file) }
        for size in [4096, 1] {
            let block = [UInt8](repeating: 7, count: size)
            while write(file, block, size) == size {}
        }
    }

    package func makeRoom() { unlink("\(directory)/ballast") }

    package static let isAllowed = SmallDisk(megabytes: 1) != nil
}
