/// A request to rtpmidid's control socket: one write, one connection, one reply line that must be read to its end.
/// Write it in one call: the daemon takes each read for a whole request, and none of 1023 bytes or more.
package struct ControlRequest: Hashable, Sendable {
    package let bytes: [UInt8]

    private init(_ text: String) {
        bytes = Array(text.utf8)
        precondition(bytes.count < 1023, "a request too long for rtpmidid")
    }

    /// A sign of life. Cheap in every version.
    package static let help = ControlRequest(#"{"method":"help","params":[],"id":1}"# + "\n")

    /// Everything about everyone. From 24.12 on with reverse look-ups, unless the daemon was started as
    /// `RtpmididLaunch` says.
    package static let status = ControlRequest(#"{"method":"status","params":[],"id":1}"# + "\n")

    /// Takes a router node away: the listener's says BYE to everyone, an ALSA peer's frees its port. From 23.12 on.
    package static func remove(_ id: Int) -> ControlRequest {
        ControlRequest(#"{"method":"router.remove","params":[\#(id)],"id":1}"# + "\n")
    }

    /// Name and port of an ALSA peer, without look-ups. From 24.12 on.
    package static func peerStatus(_ id: Int) -> ControlRequest {
        ControlRequest(#"{"method":"\#(id).status","params":[],"id":1}"# + "\n")
    }
}
