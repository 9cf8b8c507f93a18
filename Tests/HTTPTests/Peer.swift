import Glibc
import HTTP
import Linux
import Testing

/// A client that sends bytes as they are and reads what comes, blocking, at most 20 s a read.
final class Peer {
    private let socket: Descriptor
    private var unread: [UInt8] = []

    init(_ address: Sockets.Address) throws {
        socket = try Sockets.connect(address)
        setTimeout()
    }

    init(unix path: String) throws {
        socket = try Sockets.connect(unix: path, nonBlocking: false)
        setTimeout()
    }

    private func setTimeout() {
        var timeout = timeval(tv_sec: 20, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        _ = setsockopt(socket.number, SOL_SOCKET, SO_RCVTIMEO, &timeout, size)
        _ = setsockopt(socket.number, SOL_SOCKET, SO_SNDTIMEO, &timeout, size)
    }

    func send(_ text: String) throws { try socket.writeAll(Array(text.utf8), socket: true) }
    func send(_ bytes: [UInt8]) throws { try socket.writeAll(bytes, socket: true) }

    /// Shuts down the sending side.
    func endSending() { _ = shutdown(socket.number, CInt(SHUT_WR)) }

    struct Answer {
        var status: Int
        /// Lines between the status line and the empty line.
        var head: [String]
        var body: [UInt8]
        var text: String { String(decoding: body, as: UTF8.self) }

        subscript(name: String) -> String? {
            head.first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
                .map { String($0.drop { $0 != ":" }.dropFirst().drop { $0 == " " }) }
        }
    }

    /// The next answer: its head, and as much body as its length says (none where `bodyless`).
    func readAnswer(bodyless: Bool = false) throws -> Answer {
        var end: Int?
        while end == nil {
            if unread.count >= 4 {
                end = (0...(unread.count - 4)).first { unread[$0..<$0 + 4].elementsEqual("\r\n\r\n".utf8) }
            }
            if end == nil { try #require(try more(), "the connection ended before an answer") }
        }
        let headEnd = try #require(end)
        var lines = String(decoding: unread[..<headEnd], as: UTF8.self).components(separatedBy: "\r\n")
        unread.removeFirst(headEnd + 4)
        let status = try #require(Int(lines.removeFirst().split(separator: " ")[1]))
        var answer = Answer(status: status, head: lines, body: [])
        let length = bodyless ? 0 : Int(answer["Content-Length"] ?? "0") ?? 0
        while unread.count < length { try #require(try more(), "the connection ended within a body") }
        answer.body = Array(unread[..<length])
        unread.removeFirst(length)
        return answer
    }

    /// The next messages of a stream, without the empty lines that end them.
    func readMessages(_ count: Int) throws -> [String] {
        var messages: [String] = []
        var scanned = 1
        while messages.count < count {
            while scanned < unread.count, !(unread[scanned] == 10 && unread[scanned - 1] == 10) { scanned += 1 }
            guard scanned < unread.count else {
                try #require(try more(), "the connection ended within a stream")
                continue
            }
            messages.append(String(decoding: unread[..<(scanned - 1)], as: UTF8.self))
            unread.removeFirst(scanned + 1)
            scanned = 1
        }
        return messages
    }

    /// Everything until the orderly end of the connection; a reset or 20 s of silence throws.
    @discardableResult
    func readToEnd() throws -> [UInt8] {
        while try more() {}
        defer { unread = [] }
        return unread
    }

    private func more() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65536)
        let transfer = try chunk.withUnsafeMutableBytes { try socket.read(into: $0) }
        switch transfer {
        case .bytes(let count):
            unread += chunk[..<count]
            return true
        case .end: return false
        case .again: throw Errno(code: ETIMEDOUT, call: "read")
        }
    }
}

extension String {
    func components(separatedBy separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}
