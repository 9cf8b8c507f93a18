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

    /// A session that goes out at once, and stays a node of the router until it is removed, which says BYE. Its number is
    /// told by `status` alone. `host` must be numeric: the daemon looks names up in its MIDI loop. From 24.12 on.
    /// - Parameters:
    ///   - name: what the peer sees; at most 63 bytes.
    ///   - port: the peer's control port.
    package static func createClient(name: String, host: String, port: UInt16) -> ControlRequest {
        ControlRequest(
            create(
                #""hostname":\#(quoted(host)),"name":\#(quoted(name)),"port":\#(port),"type":"network_rtpmidi_client_t""#
            )
        )
    }

    /// An ALSA port, which the reply tells. From 24.12 on.
    package static func createPort(name: String) -> ControlRequest {
        ControlRequest(create(#""name":\#(quoted(name)),"type":"local_alsa_peer_t""#))
    }

    /// From now on what comes from one node goes to the other. From 23.12 on.
    package static func connect(_ from: Int, to: Int) -> ControlRequest {
        ControlRequest(#"{"method":"router.connect","params":{"from":\#(from),"to":\#(to)},"id":1}"# + "\n")
    }

    private static func create(_ params: String) -> String {
        #"{"method":"router.create","params":{\#(params)},"id":1}"# + "\n"
    }

    /// As a string of JSON (RFC 8259 section 7).
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in String(decoding: text.utf8.prefix(63), as: UTF8.self).unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case _ where scalar.value < 32: result += " "
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// Name and port of an ALSA peer, without look-ups. From 24.12 on.
    package static func peerStatus(_ id: Int) -> ControlRequest {
        ControlRequest(#"{"method":"\#(id).status","params":[],"id":1}"# + "\n")
    }
}
