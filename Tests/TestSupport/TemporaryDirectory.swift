import CLinux
import Glibc

/// A directory under /tmp that goes with its last reference. Its path is short, since unix socket paths end at 107 bytes.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() {
        var template = Array("/tmp/midihub-XXXXXX\0".utf8CString)
        guard mkdtemp(&template) != nil else {
            fatalError("no temporary directory: \(String(cString: strerror(errno)))")
        }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }  // it ends in 0
    }

    deinit { removeTree(path) }

    package func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file and returns its path.
    @discardableResult
    package func write(_ name: String, _ text: String) -> String { write(name, Array(text.utf8)) }

    @discardableResult
    package func write(_ name: String, _ bytes: [UInt8]) -> String {
        let path = file(name)
        guard let file = fopen(path, "w") else { fatalError("\(path): \(String(cString: strerror(errno)))") }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
        return path
    }
}

/// The names in a directory; none where it cannot be read.
package func names(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
            String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// The whole file as bytes; empty where there is none.
package func contents(of path: String) -> [UInt8] {
    guard let file = fopen(path, "r") else { return [] }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while case let count = fread(&buffer, 1, buffer.count, file), count > 0 { bytes += buffer[..<count] }
    return bytes
}

/// As text, whatever it holds.
package func text(of path: String) -> String { String(decoding: contents(of: path), as: UTF8.self) }

private func removeTree(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
        for name in names(in: path) { removeTree("\(path)/\(name)") }
        rmdir(path)
    } else {
        unlink(path)
    }
}
