/// A packet of a capture.
struct CapturedDatagram: Equatable {
    /// The session's control port, or the data port.
    var isControl: Bool
    /// Who sent it, where the file says: a name, or address and port.
    var sender: String?
    var receiver: String?
    /// Of a capture: the frame's number from 1 on, and its time in nanoseconds since 1970.
    var frame: Int?
    var time: UInt64?
    var octets: [UInt8]
}
