import Glibc

/// Finding and asking the programs that the hub works with.
package enum Programs {
    /// The first executable of that name on the given search path.
    package static func find(_ name: String, path: String? = nil) -> String? {
        let path = path ?? environment["PATH"] ?? ""
        for directory in path.split(separator: ":").map(String.init) + ["/usr/local/bin", "/usr/bin", "/bin"] {
            let candidate = "\(directory)/\(name)"
            if candidate.hasPrefix("/"), File.isExecutable(candidate) { return candidate }
        }
        return nil
    }

    /// This process's environment, read once. No thread changes it.
    package static let environment: [String: String] = {
        var result: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            let text = String(cString: pointer)
            if let equals = text.firstIndex(of: "=") {
                result[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            entry += 1
        }
        return result
    }()

    /// The part of it that processes of this program get when it starts them.
    package static var ownEnvironment: [String: String] {
        environment.filter { ["PATH", "HOME", "LANG", "TZ", "LD_LIBRARY_PATH"].contains($0.key) }
            .merging(["SWIFT_BACKTRACE": "enable=no"]) { _, ours in ours }
    }

    /// TCP_LISTEN, as /proc/net/tcp has it.
    private static let listening = "0A"

    package enum Transport: String, Sendable { case udp, tcp }

    /// UDP ports that somebody holds, TCP ports that somebody listens on (proc(5)); empty where that cannot be read.
    package static func heldPorts(_ transport: Transport) -> Set<UInt16> { Set(held(transport).map(\.port)) }

    private static func held(_ transport: Transport) -> [(port: UInt16, inode: String)] {
        ["/proc/net/\(transport)", "/proc/net/\(transport)6"].flatMap { table in
            (File.text(table, limit: 4 << 20) ?? "").split(separator: "\n").dropFirst().compactMap { line in
                let fields = line.split(separator: " ")
                guard fields.count > 9, transport == .udp || fields[3] == Self.listening,
                    let port = fields[1].split(separator: ":").last.flatMap({ UInt16($0, radix: 16) })
                else { return nil }
                return (port, String(fields[9]))
            }
        }
    }

    /// Who holds a UDP port or listens on a TCP port, for people: "rtpmidid (pid 312)"; nil where nobody does (proc(5)).
    package static func holder(of port: UInt16, _ transport: Transport) -> String? {
        let inodes = Set(held(transport).filter { $0.port == port }.map(\.inode))
        guard !inodes.isEmpty else { return nil }
        for pid in File.names(in: "/proc").compactMap({ Int32($0) }) {
            // A thread may have descriptors of its own, as an engine's has.
            let threads = File.names(in: "/proc/\(pid)/task")
            guard threads.contains(where: { holds(inodes, "/proc/\(pid)/task/\($0)/fd") }) else { continue }
            let name = File.text("/proc/\(pid)/comm", limit: 64)?.split(separator: "\n").first ?? "a program"
            return "\(name) (pid \(pid))"
        }
        return "another user's program"
    }

    private static func holds(_ inodes: Set<String>, _ descriptors: String) -> Bool {
        File.names(in: descriptors).contains { descriptor in
            var buffer = [CChar](repeating: 0, count: 64)
            let count = readlink("\(descriptors)/\(descriptor)", &buffer, buffer.count)
            guard count > 0 else { return false }
            let target = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return target.hasPrefix("socket:[") && inodes.contains(String(target.dropFirst(8).dropLast()))
        }
    }
}
