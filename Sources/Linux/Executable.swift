import Glibc

package enum Executable {
    /// The path of this process's executable. The kernel's " (deleted)" behind one that was replaced is left out.
    package static let path: String = path(of: "self") ?? ""

    /// What the program of a process, or of one of its threads, is called: its file's name, or where that is hidden, as
    /// another user's is, the process's own word. nil where there is none.
    package static func name(of pid: Int32) -> String? {
        if let path = path(of: "\(pid)") { return path.split(separator: "/").last.map(String.init) }
        // A thread has a name of its own.
        let status = File.text("/proc/\(pid)/status", limit: 4096)?.split(separator: "\n") ?? []
        let group = status.first { $0.hasPrefix("Tgid:") }.flatMap { Int32($0.dropFirst(5).drop { $0 == "\t" }) }
        return File.text("/proc/\(group ?? pid)/comm", limit: 64)?.split(separator: "\n").first.map(String.init)
    }

    private static func path(of process: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/\(process)/exe", &buffer, buffer.count)
        guard count > 0 else { return nil }
        let text = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.hasSuffix(" (deleted)") ? String(text.dropLast(10)) : text
    }
}
