import Foundation
import Glibc
package import Linux

/// An HTTP answer as a test looks at it.
package struct HTTPAnswer {
    package let status: Int
    /// Names in lower case.
    package let headers: [String: String]
    package let body: [UInt8]

    package var text: String { String(decoding: body, as: UTF8.self) }
    package func json() throws -> Any { try JSONSerialization.jsonObject(with: Data(body), options: .fragmentsAllowed) }
    /// The body as an object; fails where it is something else.
    package func object() throws -> [String: Any] {
        guard let object = try json() as? [String: Any] else {
            throw WaitedInVain(description: "an object, not \(text)")
        }
        return object
    }
}

/// One request over a connection of its own, closed by the server. Waits `timeout` seconds at most between two pieces of the answer.
package func http(
    _ method: String = "GET", _ path: String, at address: Sockets.Address, headers: [String: String] = [:],
    body: [UInt8] = [], timeout: Int = 60
) throws -> HTTPAnswer {
    let socket = try Sockets.connect(address)
    var limit = timeval(tv_sec: timeout, tv_usec: 0)
    setsockopt(socket.number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var fields = headers
    fields["Host"] = fields["Host"] ?? address.description
    fields["Connection"] = "close"
    if !body.isEmpty { fields["Content-Length"] = "\(body.count)" }
    let head = fields.reduce("\(method) \(path) HTTP/1.1\r\n") { $0 + "\($1.key): \($1.value)\r\n" } + "\r\n"
    try socket.writeAll(Array(head.utf8) + body, socket: true)

    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while case let count = read(socket.number, &buffer, buffer.count), count > 0 { received += buffer[..<count] }
    let gap = Array("\r\n\r\n".utf8)
    guard let end = received.indices.first(where: { received[$0...].starts(with: gap) }) else {
        throw WaitedInVain(
            description: "an HTTP answer to \(method) \(path), not '\(String(decoding: received, as: UTF8.self))'")
    }
    let lines = String(decoding: received[..<end], as: UTF8.self).components(separatedBy: "\r\n")
    let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    var answered: [String: String] = [:]
    for line in lines.dropFirst() {
        guard let colon = line.firstIndex(of: ":") else { continue }
        answered[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    return HTTPAnswer(status: status, headers: answered, body: Array(received[(end + 4)...]))
}
