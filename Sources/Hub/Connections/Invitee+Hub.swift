import Client
import Linux
import Rooms

extension Invitee {
    /// Without a `name` it has its host's; not where that is an address, since names are for everybody to read. It is one
    /// that none of `others` has.
    init(_ host: Initiator.Host, name: String?, beside others: [Invitee]) {
        let isNumeric = SocketAddress(host: host.name, port: 0) != nil
        self.init(
            host: host.name, port: host.port,
            name: name ?? Self.free(isNumeric ? "Peer" : String(host.name.prefix(56)), beside: others))
    }

    /// At the nearest of the session's addresses. Without a `name` it has the one that is announced, as far as that is one.
    init(_ session: AnnouncedSession, name: String?, beside others: [Invitee]) {
        var letters = session.name.filter { $0.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value != 127 } }
        while letters.utf8.count > 56 { letters.removeLast() }
        let base = Self.wrongName(letters) == nil ? letters : "Peer"
        let address = session.addresses[0]
        self.init(host: address.host, port: address.port, name: name ?? Self.free(base, beside: others))
    }

    private static func free(_ base: String, beside others: [Invitee]) -> String {
        let names = [base] + (2...others.count + 2).map { "\(base) \($0)" }
        return names.first { one in !others.contains { $0.name == one } } ?? base
    }

    /// What is wrong with a name for one; nil where nothing is.
    static func wrongName(_ name: String) -> String? {
        guard (1...60).contains(name.utf8.count), name.unicodeScalars.allSatisfy({ $0.value >= 32 }),
            !Probe.isNamed(name), !ShownName.isBlank(name)
        else { return "a name has 1 to 60 bytes and no control characters" }
        return nil
    }
}
