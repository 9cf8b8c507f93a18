import CLinux
import Glibc

/// The socket to which services tell how they are (sd_notify(3)), as systemd has it; "@NAME" is an abstract one.
package final class NotifySocket {
    private let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)

    package init(_ name: String) throws {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array((name.hasPrefix("@") ? "\0\(name.dropFirst())" : name).utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw WaitedInVain(description: "a shorter name than \(name)")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(number, $0, length) }
        }
        guard code == 0 else { throw WaitedInVain(description: "a socket at \(name)") }
    }

    deinit { close(number) }

    /// The next message; nil where none has come.
    package func next() -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(number, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }
}
