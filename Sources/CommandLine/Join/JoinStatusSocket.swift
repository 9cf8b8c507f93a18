import EngineProtocol
import Foundation
import Glibc
import Hub
import Linux

/// Where a `midihub join` tells how it is: a socket of the user's in `$XDG_RUNTIME_DIR`, on which whoever connects is sent
/// one line of JSON (`JoinStatus`).
final class JoinStatusSocket {
    private let listener: Descriptor
    private let path: String

    /// `$XDG_RUNTIME_DIR/midihub`; nil where there is no such directory.
    static var directory: String? {
        let base = Programs.environment["XDG_RUNTIME_DIR"] ?? ""
        return base.hasPrefix("/") ? "\(base)/midihub" : nil
    }

    init(in directory: String, loop: EventLoop, status: @escaping () -> JoinStatus) throws(Errno) {
        try File.makeDirectory(directory, mode: 0o700)
        path = "\(directory)/join-\(getpid()).sock"
        listener = try Sockets.listen(unix: path, mode: 0o600)
        try loop.watch(listener.number, .read) { [unowned self] _ in
            while let accepted = try? Sockets.accept(listener) {
                // Whoever reads too little of it gets a part.
                try? accepted.socket.writeAll(JSON.line(status()), socket: true)
            }
        }
    }

    func close() { File.remove(path) }

    // MARK: Asking

    /// How every `join` of this user is. Sockets of those that were killed are removed.
    static func ask(in directory: String) -> [JoinStatus] {
        let names = File.names(in: directory).filter { $0.hasPrefix("join-") && $0.hasSuffix(".sock") }
        return names.sorted().compactMap { name in
            let path = "\(directory)/\(name)"
            do throws(Errno) {
                return answer(of: try Sockets.connect(unix: path, nonBlocking: true))
            } catch {
                if error.code == ECONNREFUSED { File.remove(path) }
                return nil
            }
        }
    }

    /// nil where none comes in time: it hangs, or is another version.
    private static func answer(of socket: borrowing Descriptor) -> JoinStatus? {
        let deadline = ContinuousClock.now.advanced(by: .seconds(3))
        var (answer, buffer): ([UInt8], [UInt8]) = ([], [UInt8](repeating: 0, count: 16384))
        while answer.count < 1 << 20, answer.last != UInt8(ascii: "\n") {
            var wait = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, CInt(clamping: ContinuousClock.now.duration(to: deadline).milliseconds)) > 0 else {
                return nil
            }
            let count = Glibc.read(socket.number, &buffer, buffer.count)
            guard count > 0 else { break }
            answer += buffer[..<count]
        }
        return try? JSONDecoder().decode(JoinStatus.self, from: Data(answer))
    }

    /// `midihub join --status`.
    static func run(json: Bool) -> ExitCode {
        guard let directory else {
            Output.complain("join: XDG_RUNTIME_DIR is not set, where a join of this user could be asked")
            return .no
        }
        let all = ask(in: directory)
        if json {
            for one in all { Output.line(JSON.text(one)) }
        } else {
            for line in all.flatMap(\.lines) { Output.line(line) }
            if all.isEmpty { Output.complain("no `midihub join` of this user runs") }
        }
        return !all.isEmpty && all.allSatisfy(\.isUp) ? .well : .no
    }
}
