import MIDI

/// A `TestPlayer` as a `Player`: it does something only while it is asked.
package final class NetworkPlayer: Player {
    package let name: String
    private let port: UInt16
    private var player: TestPlayer?
    /// How much of what it has heard has been told.
    private var told = 0

    package init(_ name: String, port: UInt16) { (self.name, self.port) = (name, port) }

    package func join() throws {
        let player = try TestPlayer(name, port: port)
        (self.player, told) = (player, 0)
        try pumping([player], "\(name) to be connected") { player.isUp }
    }

    package func leave() throws { player?.leave() }
    package func vanish() throws { player = nil }

    package func send(_ message: [UInt8]) throws {
        player?.pump()
        player?.play(try MIDIBytes.split(message).map { try Message(decoding: $0.span) })
    }

    package func received() throws -> [[UInt8]] {
        guard let player else { return [] }
        player.pump()
        defer { told = player.heard.count }
        return player.heard[told...].map { Array($0.bytes) }
    }

    package func wasDismissed() throws -> Bool { player?.ended != nil }
}
