/// Somebody who takes part in a room over RTP-MIDI, for tests that run against the double and the real daemon alike.
/// Every call returns when it is done as far as the participant can see; the hub's reaction is the test's to wait for.
package protocol Player: AnyObject {
    /// Also the name of its ALSA port at the hub, up to 63 bytes.
    var name: String { get }
    /// Invites itself, and after `leave` or `vanish` again.
    func join() throws
    /// Says BYE.
    func leave() throws
    /// Stops sending anything, without a BYE.
    func vanish() throws
    /// Plays MIDI messages, one or several.
    func send(_ message: [UInt8]) throws
    /// What it has heard since last asked, message by message.
    func received() throws -> [[UInt8]]
    /// Whether the daemon has said BYE to it since it joined.
    func wasDismissed() throws -> Bool
}

extension Player {
    /// Waits until it has heard as many messages as `expected`, and returns all that it has heard.
    package func hears(_ expected: Int, within limit: Duration = .seconds(30)) throws -> [[UInt8]] {
        var heard: [[UInt8]] = []
        try eventually(within: limit, "\(expected) messages at \(name)", seen: "\(heard.map { hex($0) })") {
            heard += try received()
            return heard.count >= expected
        }
        return heard
    }
}

/// A participant simulated by the double that the hub runs on its port.
package final class DoublePlayer: Player {
    package let name: String
    private let port: UInt16
    private let directory: String
    private var drive: DoubleDrive?
    /// The double's number for it, while or after it took part.
    package private(set) var id: Int?
    private var byesBefore = 0

    /// `directory`: where the control socket of the double that listens on `port` lies, at most three levels down.
    package init(_ name: String, port: UInt16, below directory: String) {
        self.name = name
        self.port = port
        self.directory = directory
    }

    /// A double that was restarted meanwhile is found anew.
    package func join() throws {
        if drive == nil || (try? drive?.ask("about")) == nil {
            drive = try DoubleDrive.find(port: port, below: directory)
        }
        id = try drive?.join(name)
        byesBefore = 0
    }

    package func leave() throws { try known { try $0.leave($1) } }
    package func vanish() throws { try known { try $0.vanish($1) } }
    package func send(_ message: [UInt8]) throws { try known { try $0.send($1, message) } }
    package func received() throws -> [[UInt8]] { try known { try $0.received($1) } }

    /// Read from what the double writes down, so also after it has ended.
    package func wasDismissed() throws -> Bool {
        guard let drive else { return false }
        return text(of: drive.controlPath + ".said").contains("MIDI_PORT \(hex(name.utf8))\n")
    }

    /// What it heard before the daemon said BYE to it, and nobody had asked for; read from what the double writes down.
    package func heardBeforeDismissal() -> [[UInt8]] {
        guard let drive else { return [] }
        let mark = "HEARD \(hex(name.utf8)) "
        let line = text(of: drive.controlPath + ".said").split(separator: "\n").last { $0.hasPrefix(mark) }
        return (line ?? "").dropFirst(mark.count).split(separator: " ").compactMap { bytes(hex: String($0)) }
    }

    private func known<Result>(_ body: (DoubleDrive, Int) throws -> Result) throws -> Result {
        guard let drive, let id else { throw DoubleDrive.Refused(description: "\(name) has not joined") }
        return try body(drive, id)
    }
}
