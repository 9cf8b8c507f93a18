import EngineProtocol
import Foundation
import Linux
import Store

/// A hub is locked for a show: nothing that could change a room is obeyed unless it is forced. A file, so that it holds
/// over restarts and reboots; `Hub+ShowLock.swift` says what each order becomes meanwhile.
package struct ShowLock: Codable, Equatable, Sendable {
    var v = 1
    /// Unix milliseconds.
    package var since: Int64
    /// Whoever has locked it, as they call themselves.
    package var by: String
    /// A new version was installed meanwhile: at the unlock a hub of this one is restarted.
    package var outdated: String?

    /// In characters of `by`.
    package static let longestName = 64
    private static let longest = 1 << 16

    init(since: Timestamp = .now, by: String) { (self.since, self.by) = (since.milliseconds, ShownName.shown(by)) }

    /// nil where there is none. What cannot be read is a lock, too: a show must not depend on a file's being sound.
    package static func load(_ state: StateDirectory) -> ShowLock? {
        guard File.exists(state.showLock) else { return nil }
        let bytes = File.bytes(state.showLock, limit: longest) ?? []
        guard let lock = try? JSONDecoder().decode(Self.self, from: Data(bytes)), lock.v == 1,
            isName(lock.by)
        else { return ShowLock(by: "somebody (\(state.showLock) cannot be read)") }
        return lock
    }

    func write(to state: StateDirectory) throws(Errno) {
        try File.replace(state.showLock, with: JSON.bytes(self), mode: 0o640)
    }

    package static func isName(_ text: String) -> Bool {
        (1...longestName).contains(text.unicodeScalars.count)
    }

    /// "since 20:15 by Anna", in local time.
    package var text: String { Self.text(since: since, by: by) }

    /// With the date where it was not today.
    package static func text(since: Int64, by: String, now: Int64 = Timestamp.now.milliseconds) -> String {
        let (then, today) = (Output.time(since), Output.time(now))
        let minute = then.dropLast(3)
        return "since \(then.prefix(10) == today.prefix(10) ? minute.dropFirst(11) : minute) by \(by)"
    }

    /// Why something is not done. `what`: in words that begin a sentence in its middle, such as "a kick".
    package func refusal(of what: String) -> String {
        "The hub is locked \(text), and \(what) could change the room. `midihub unlock` ends that; forced (--force, force=1) it is done all the same."
    }
}
