import Client
import Linux
import Rooms

extension Invitee {
    /// Without a `name` it has its host's; not where that is an address, since names are for everybody to read. It is one
    /// that none of `others` has.
    init(_ host: Initiator.Host, name: String?, beside others: [Invitee]) {
        let isNumeric = SocketAddress(host: host.name, port: 0) != nil
        let base = name ?? (isNumeric ? "Peer" : String(host.name.prefix(56)))
        let numbered = (2...others.count + 2).lazy.map { "\(base) \($0)" }
        let free = [base] + (name == nil ? Array(numbered) : [])
        self.init(
            host: host.name, port: host.port, name: free.first { one in !others.contains { $0.name == one } } ?? base)
    }

    /// What is wrong with a name for one; nil where nothing is.
    static func wrongName(_ name: String) -> String? {
        guard (1...60).contains(name.utf8.count), name.unicodeScalars.allSatisfy({ $0.value >= 32 }),
            !Probe.isNamed(name), !ShownName.isBlank(name)
        else { return "a name has 1 to 60 bytes and no control characters" }
        return nil
    }
}
