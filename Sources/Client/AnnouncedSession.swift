import Glibc
package import Linux

/// A session of RTP-MIDI that is announced on the local network by mDNS (RFC 6762 and 6763, type `_apple-midi._udp`): a hub's
/// room, and also a Mac, an instrument, another program. As avahi-browse(1) tells it; everything in it comes from strangers.
package struct AnnouncedSession: Hashable, Sendable {
    /// What people see in their lists; unique on the network.
    package let name: String
    /// The room's own name, where a hub of this program says it (`room` in the TXT record).
    package private(set) var room: String?
    /// Its control port.
    package private(set) var port: UInt16
    /// In the order in which they are to be tried, with the port.
    package private(set) var addresses: [SocketAddress]

    package init(name: String, room: String?, port: UInt16, addresses: [SocketAddress]) {
        (self.name, self.room, self.port, self.addresses) = (name, room, port, addresses)
    }

    /// The TXT record of a hub's room.
    package static func record(room: String) -> [String] { ["\(roomKey)=\(room)"] }
    private static let roomKey = "room"
    package static let service = "_apple-midi._udp"

    /// Why nothing could be found out.
    package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// What is announced now, by name. Blocks for about a second, at most for `limit`: never on a loop's thread.
    package static func all(within limit: Duration = .seconds(8)) throws(Failure) -> [AnnouncedSession] {
        guard let path = Programs.find("avahi-browse") else {
            throw Failure(description: "avahi-browse is not installed (fix: apt install avahi-daemon avahi-utils)")
        }
        let program = ChildProgram(
            path: path, arguments: ["--resolve", "--parsable", "--terminate", "--no-db-lookup", service],
            environment: Programs.environment.filter { ["PATH", "LANG", "DBUS_SYSTEM_BUS_ADDRESS"].contains($0.key) },
            output: nil)
        let (output, exit): ([UInt8], ChildExit)
        do throws(Errno) { (output, exit) = try program.run(limit: limit, longest: 1 << 20) } catch {
            throw Failure(description: "\(error)")
        }
        // One whose time was up has told of those that answer: of others it waits for an answer.
        if case .code(let code) = exit, code != 0 {
            let last = String(decoding: output, as: UTF8.self).split(separator: "\n").last ?? "exit code \(code)"
            throw Failure(description: "avahi-browse: \(last): is avahi-daemon running?")
        }
        return sessions(in: output)
    }

    /// What the lines of `avahi-browse --parsable --resolve` tell, one for each interface and family of addresses.
    package static func sessions(in output: [UInt8]) -> [AnnouncedSession] {
        var found: [String: AnnouncedSession] = [:]
        for line in output.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: ";"), maxSplits: 9, omittingEmptySubsequences: false)
            guard fields.count == 10, fields[0].elementsEqual("=".utf8), fields[4].elementsEqual(service.utf8),
                let port = UInt16(text(fields[8])), port > 0, port < .max
            else { continue }
            var host = text(fields[7])
            if host.lowercased().hasPrefix("fe80:") { host += "%\(text(fields[1]))" }
            let name = text(unescaped(fields[3]))
            guard !name.isEmpty, let address = SocketAddress(host: host, port: port) else { continue }
            var session = found[name] ?? AnnouncedSession(name: name, room: nil, port: port, addresses: [])
            session.room = session.room ?? value(of: roomKey, in: fields[9])
            if !session.addresses.contains(address) { session.addresses.append(address) }
            found[name] = session
        }
        return found.values.map(\.sorted).sorted { $0.name < $1.name }
    }

    /// Nearest first; IPv4 before IPv6, of which link-local addresses come last.
    private var sorted: AnnouncedSession {
        func rank(_ address: SocketAddress) -> Int {
            if address.isLoopback { return 0 }
            return address.isIPv4 ? 1 : address.scope == 0 ? 2 : 3
        }
        var result = self
        result.addresses.sort { (rank($0), $0.high, $0.low, $0.scope) < (rank($1), $1.high, $1.low, $1.scope) }
        return result
    }

    private static func text(_ octets: some Sequence<UInt8>) -> String {
        String(decoding: Array(octets), as: UTF8.self)
    }

    /// `\032` is an octet in three decimal digits, `\.` the sign itself.
    private static func unescaped(_ octets: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var rest = Array(octets)[...]
        while let octet = rest.popFirst() {
            guard octet == UInt8(ascii: "\\") else {
                result.append(octet)
                continue
            }
            let digits = rest.prefix(3)
            if digits.allSatisfy({ (0x30...0x39).contains($0) }), let code = UInt8(text(digits)) {
                result.append(code)
                rest = rest.dropFirst(digits.count)
            } else if let next = rest.popFirst() {
                result.append(next)
            }
        }
        return result
    }

    /// In a TXT record as it is printed: `"room=Main" "other=…"`, with a backslash before quotes and backslashes.
    private static func value(of key: String, in record: some Sequence<UInt8>) -> String? {
        var (entry, isInside): ([UInt8]?, Bool) = (nil, false)
        var rest = Array(record)[...]
        while let octet = rest.popFirst() {
            if octet == UInt8(ascii: "\"") {
                isInside.toggle()
                if isInside {
                    entry = []
                } else if let whole = entry.take() {
                    let pair = text(unescaped(whole))
                    if pair.lowercased().hasPrefix("\(key)=") { return String(pair.dropFirst(key.count + 1)) }
                }
            } else if isInside {
                entry?.append(octet)
                if octet == UInt8(ascii: "\\"), let next = rest.popFirst() { entry?.append(next) }
            }
        }
        return nil
    }
}
