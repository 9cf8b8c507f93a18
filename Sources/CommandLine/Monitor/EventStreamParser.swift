/// The bytes of a stream of server-sent events, as they come
/// (https://html.spec.whatwg.org/multipage/server-sent-events.html); the hub's own, whose lines end in LF.
package struct EventStreamParser {
    package struct Message: Equatable {
        package var event: String
        package var data: [UInt8]
        package init(event: String, data: [UInt8]) { (self.event, self.data) = (event, data) }
    }
    /// Bytes of one message; the hub's are all smaller.
    private static let longest = 32 << 20

    private var line: [UInt8] = []
    private var event = ""
    private var data: [UInt8] = []
    /// What comes is no such stream.
    package private(set) var isBroken = false

    package init() {}

    package mutating func receive(_ bytes: ArraySlice<UInt8>, _ body: (Message) -> Void) {
        var rest = bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            line += rest[..<end]
            rest = rest[(end + 1)...]
            endLine(body)
            line = []
        }
        line += rest
        if line.count + data.count > Self.longest { isBroken = true }
    }

    private mutating func endLine(_ body: (Message) -> Void) {
        if line.isEmpty {
            if !event.isEmpty || !data.isEmpty { body(Message(event: event, data: data)) }
            (event, data) = ("", [])
        } else if let value = value(of: "event") {
            event = String(decoding: value, as: UTF8.self)
        } else if let value = value(of: "data") {
            data += value
        }
    }

    private func value(of field: String) -> ArraySlice<UInt8>? {
        guard line.starts(with: "\(field):".utf8) else { return nil }
        let value = line[(field.utf8.count + 1)...]
        return value.first == UInt8(ascii: " ") ? value.dropFirst() : value
    }
}
