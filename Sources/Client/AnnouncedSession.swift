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

    /// The program that tells what is announced, and goes on telling what changes.
    package static func browse() throws(Failure) -> ChildProgram {
        guard let path = Programs.find("avahi-browse") else {
            throw Failure(description: "avahi-browse is not installed (fix: apt install avahi-daemon avahi-utils)")
        }
        return ChildProgram(
            path: path, arguments: ["--resolve", "--parsable", "--no-db-lookup", service],
            environment: Programs.environment.filter { ["PATH", "LANG", "DBUS_SYSTEM_BUS_ADDRESS"].contains($0.key) },
            output: nil)
    }

    /// What is announced now, by name. Blocks for about a second, at most for `limit`: never on a loop's thread.
    package static func all(within limit: Duration = .seconds(8)) throws(Failure) -> [AnnouncedSession] {
        var program = try browse()
        program.arguments.insert("--terminate", at: 0)
        let (output, exit): ([UInt8], ChildExit)
        let errors: OutputPipe
        do throws(Errno) {
            // Complaints have names of strangers in them as they are, with line ends, and are not for `sessions`.
            errors = try OutputPipe()
            program.errors = errors.path
            (output, exit) = try program.run(limit: limit, longest: 1 << 20)
        } catch { throw Failure(description: "\(error)") }
        // One whose time was up has told of those that answer: of others it waits for an answer.
        if case .code(let code) = exit, code != 0 {
            let text =
                String(decoding: errors.read() ?? [], as: UTF8.self).split(separator: "\n").last ?? "exit code \(code)"
            throw Failure(description: "avahi-browse: \(text): is avahi-daemon running?")
        }
        return sessions(in: output)
    }

    /// What the lines of `avahi-browse --parsable --resolve` tell, by name.
    package static func sessions(in output: [UInt8]) -> [AnnouncedSession] {
        var found = Sightings()
        for line in output.split(separator: UInt8(ascii: "\n")) { found.read(line) }
        return found.sessions.sorted { $0.name < $1.name }
    }

    /// What avahi-browse has told so far: it tells of one session for each interface and family of addresses, when it
    /// appears, when its address is known, and when it goes. Bounded, since anybody on the network can announce.
    package struct Sightings {
        private struct Place: Hashable {
            let interface: String
            let family: String
            let name: String
        }
        private struct Sighting {
            let room: String?
            let address: SocketAddress
            /// In the order in which they came.
            let number: Int
        }
        private var sightings: [Place: Sighting] = [:]
        private var count = 0
        private static let most = 2000

        package init() {}

        /// A line that is none of avahi-browse's is passed over.
        package mutating func read(_ line: some Collection<UInt8>) {
            let fields = line.split(separator: UInt8(ascii: ";"), maxSplits: 9, omittingEmptySubsequences: false)
            guard fields.count >= 6, fields[0].count == 1, let kind = fields[0].first else { return }
            let name = text(unescaped(fields[3]))
            let place = Place(interface: text(fields[1]), family: text(fields[2]), name: name)
            switch kind {
            case UInt8(ascii: "-"): sightings[place] = nil
            case UInt8(ascii: "="):
                guard fields.count == 10, fields[4].elementsEqual(service.utf8), !name.isEmpty,
                    let port = UInt16(text(fields[8])), port > 0, port < .max
                else { break }
                var host = text(fields[7])
                if host.lowercased().hasPrefix("fe80:") { host += "%\(place.interface)" }
                guard let address = SocketAddress(host: host, port: port),
                    sightings[place] != nil || sightings.count < Self.most
                else { break }
                let number = sightings[place]?.number ?? count
                count += 1
                sightings[place] = Sighting(room: value(of: roomKey, in: fields[9]), address: address, number: number)
            default: break
            }
        }

        /// Those whose address is known, in the order in which they came.
        package var sessions: [AnnouncedSession] {
            var places: [String: Int] = [:]
            var found: [AnnouncedSession] = []
            for (place, sighting) in sightings.sorted(by: { $0.value.number < $1.value.number }) {
                let index = places[place.name] ?? found.count
                if index == found.count {
                    places[place.name] = index
                    found.append(
                        AnnouncedSession(name: place.name, room: nil, port: sighting.address.port, addresses: []))
                }
                found[index].room = found[index].room ?? sighting.room
                guard !found[index].addresses.contains(sighting.address) else { continue }
                found[index].addresses.append(sighting.address)
            }
            return found.map(\.sorted)
        }
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
