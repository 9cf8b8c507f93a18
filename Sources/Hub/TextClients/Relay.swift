/// One who reaches the engines through this process, which has a session with them in its place: where it really is.
final class Relay {
    /// As engines write addresses: "192.0.2.7:40123".
    let address: String
    let remark: String
    /// In microseconds, between it and this process; nil while it is not known.
    var roundTrip: Int?
    /// How much of what it sent was no message.
    var unreadable: UInt64 = 0

    init(address: String, remark: String) { (self.address, self.remark) = (address, remark) }
}

/// By the UDP ports from which this process takes part in its own rooms.
struct Relays {
    private var all: [UInt16: Relay] = [:]

    subscript(port: UInt16) -> Relay? {
        get { all[port] }
        set { all[port] = newValue }
    }

    /// The one behind a participant's address as engines write it, on this machine.
    subscript(address: String) -> Relay? {
        guard !all.isEmpty, let colon = address.lastIndex(of: ":"),
            let port = UInt16(address[address.index(after: colon)...])
        else { return nil }
        return all[port]
    }
}
