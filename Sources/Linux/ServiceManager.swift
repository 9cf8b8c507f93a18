import Glibc

/// Tells systemd how this service is (sd_notify(3)): datagrams to the socket that `NOTIFY_SOCKET` names.
package struct ServiceManager: Sendable, Equatable {
    private let socket: String
    /// How often it must be told `WATCHDOG=1`; nil where it does not wait for that.
    package let watchdog: Duration?

    /// nil where no service manager asks to be told.
    package init?(_ environment: [String: String]) {
        guard let socket = environment["NOTIFY_SOCKET"], socket.hasPrefix("/") || socket.hasPrefix("@") else {
            return nil
        }
        self.socket = socket
        let isForUs = environment["WATCHDOG_PID"].map { Int32($0) == getpid() } ?? true
        let interval = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        watchdog = isForUs && interval > 0 ? .microseconds(interval) : nil
    }

    /// A message that cannot be sent at once is dropped: nothing here waits. A value is one line: what a stranger put
    /// into it must not begin an assignment of its own.
    package func tell(_ assignments: KeyValuePairs<String, String>) {
        let lines = assignments.map { name, value in
            let shown = value.unicodeScalars.map { $0.value < 32 ? " " : $0 }
            return "\(name)=\(String(String.UnicodeScalarView(shown)))\n"
        }
        guard let descriptor = try? Sockets.connect(unixDatagram: socket) else { return }
        _ = try? Array(lines.joined().utf8).withUnsafeBytes { raw throws(Errno) in
            try descriptor.write(raw, socket: true)
        }
    }
}
