import Foundation
import Glibc
package import Linux
import Store
package import Synchronization

/// What commands print: text for people, with strangers' names made harmless for a terminal (`Output+Names.swift`).
package enum Output {
    /// Why standard output took no more.
    package static let failure = Mutex<Errno?>(nil)

    /// What a command has to tell. Where it cannot be written, `exitCode(after:)` says so at the end.
    package static func line(_ text: String) {
        do throws(Errno) {
            try write("\(text)\n", to: 1)
        } catch { failure.withLock { $0 = $0 ?? error } }
    }

    /// What a hub says of itself. A full disk under `hub.log`, or a reader that is gone, must not end it: what cannot be said
    /// is not said.
    static func log(_ text: String) { try? write("\(text)\n", to: 1) }

    package static func complain(_ text: String) { try? write("midihub: \(safe(text))\n", to: 2) }

    /// Nobody gets what a command prints: one that would go on printing may end.
    package static var isLost: Bool { failure.withLock { $0 != nil } }

    private static func write(_ text: String, to descriptor: CInt) throws(Errno) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                // A terminal that somebody has made non-blocking.
                var one = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&one, 1, -1)
            } else if errno != EINTR {
                throw Errno(code: errno, call: "write")
            }
        }
    }

    /// "1 note", "2 notes".
    package static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// Where the page is: with the token in its fragment on a terminal, elsewhere only with the name of the token's file.
    package static func page(_ address: String, _ state: StateDirectory) -> String {
        guard let token = File.text(state.token, limit: 4096)?.split(separator: "\n").first else {
            return "Page: \(address) (its token: as configured)"
        }
        guard isatty(1) == 1, let encoded = token.addingPercentEncoding(withAllowedCharacters: .alphanumerics) else {
            return "Page: \(address) (its token: \(state.token))"
        }
        return "Page: \(address)#token=\(encoded)"
    }

    /// Local date and time.
    package static func time(_ unixMilliseconds: Int64) -> String {
        var seconds = time_t(unixMilliseconds / 1000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return String(
            format: "%04d-%02d-%02d %02d:%02d:%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
            parts.tm_hour,
            parts.tm_min, parts.tm_sec)
    }
}

/// Runs an asynchronous piece of work from a synchronous place: the command line and start-up, never a loop.
package func blocking<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) -> Value {
    let result = Mutex<Value?>(nil)
    let done = DispatchSemaphore(value: 0)
    // A thread waits for it.
    Task(priority: .high) {
        let value = await work()
        result.withLock { $0 = value }
        done.signal()
    }
    done.wait()
    return result.withLock { $0! }  // set before the signal that ended the wait
}
