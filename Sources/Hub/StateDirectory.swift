import Foundation
import Glibc
package import Linux

/// Where everything of one hub lies (Hub.docc/StateDirectory.md); nothing else knows these paths.
package struct StateDirectory: Sendable, Equatable {
    package let path: String

    package init(_ path: String) { self.path = path }

    /// Of the hub that belongs to the machine, not to a user.
    package static let machine = StateDirectory("/var/lib/midihub")

    package var database: String { "\(path)/hub.sqlite" }
    package var lock: String { "\(path)/hub.lock" }
    /// What the webhook has been told, and what still waits to be.
    package var alerts: String { "\(path)/alerts.json" }
    /// Whom people have told the hub to invite.
    package var connections: String { "\(path)/connections.json" }
    /// There while the hub is locked for a show, over restarts too.
    package var showLock: String { "\(path)/lock.json" }
    package var startLock: String { "\(path)/start.lock" }
    package var token: String { "\(path)/token" }
    /// There while a person's `stop` holds: cron's `start --unless-stopped` respects it.
    package var stopped: String { "\(path)/stopped" }
    package var socket: String { "\(path)/hub.sock" }
    package var engines: String { "\(path)/engines" }
    package var hubLog: String { "\(path)/hub.log" }
    /// Which notes each participant holds, mapped into memory so that it outlives a killed hub.
    package var held: String { "\(path)/held.map" }

    package func log(_ engine: String) -> String { "\(engines)/\(engine).log" }
    package func control(_ engine: String) -> String { "\(engines)/\(engine).sock" }
    package func record(_ engine: String) -> String { "\(engines)/\(engine).json" }
    package func ini(_ engine: String) -> String { "\(engines)/\(engine).ini" }
    /// What the embedded engine is to serve.
    package func plan(_ engine: String) -> String { "\(engines)/\(engine).plan" }
    /// Which engine was chosen, while `engine` is `auto`: a slow boot must not flip it.
    package var choice: String { "\(path)/engine" }
    /// Who is on the embedded engine, for the one that follows it. On tmpfs where there is one: it changes with every
    /// packet.
    package func sessions(_ engine: String) -> String {
        "\(Self.memory.flatMap(memoryDirectory) ?? engines)/\(engine).sessions"
    }

    /// The embedded engines that have ever been given a plan here.
    package var plannedEngines: [String] {
        File.names(in: engines).filter { $0.hasSuffix(".plan") }.map { String($0.dropLast(5)) }.sorted()
    }

    /// The engines that have left a record or an ini file here.
    package var knownEngines: [String] {
        let names = File.names(in: engines).compactMap { file in
            [".ini", ".json"].first(where: file.hasSuffix).map { String(file.dropLast($0.count)) }
        }
        return Set(names).sorted()
    }

    /// Makes the directories, private to the owner and group: rtpmidid's control socket has mode 0777 and is protected
    /// by them.
    package func create() throws(Errno) {
        try refuseStrangers(owner: geteuid())
        try File.makeDirectory(path, mode: 0o750)
        try File.makeDirectory(engines, mode: 0o750)
    }

    /// Why nothing can be written there; nil where it can.
    package var unwritable: Errno? {
        let probe = "\(path)/probe"
        defer { File.remove(probe) }
        do throws(Errno) {
            try File.replace(probe, with: Array(repeating: 0, count: 4096))
            return nil
        } catch { return error }
    }

    /// Where an engine's log really lies: on tmpfs where there is one, so that a busy log never wears a memory card.
    /// `log(engine)` is then a link to it.
    package func placeLog(_ engine: String, in base: String? = memory) throws(Errno) {
        let link = log(engine)
        guard let memory = base.flatMap(memoryDirectory) else {
            if let target = Self.target(of: link), !File.exists(target) { File.remove(link) }
            return
        }
        let target = "\(memory)/\(engine).log"
        if Self.target(of: link) == target { return }
        // A plain file from before goes on being used.
        if File.exists(link), Self.target(of: link) == nil { return }
        File.remove(link)
        try retrying("symlink", link) { symlink(target, link) }
    }

    /// Where this user's files on tmpfs may lie; nil where that is not told.
    package static var memory: String? {
        // XDG_RUNTIME_DIR may be another user's, where root became this user. Then root has made a directory in /run.
        guard geteuid() != 0, let own = Programs.environment["XDG_RUNTIME_DIR"], Owner.of(own)?.user == geteuid()
        else { return "/run" }
        return own
    }

    func memoryPath(in base: String) -> String { "\(base)/midihub\(path.replacing("/", with: "-"))" }

    /// A directory on tmpfs that belongs to this state directory alone; nil where there is none.
    private func memoryDirectory(in base: String) -> String? {
        guard base.hasPrefix("/"), File.isMemory(base) else { return nil }
        let directory = memoryPath(in: base)
        do throws(Errno) {
            try File.makeDirectory(directory, mode: 0o750)
        } catch { return nil }
        var status = stat()
        // A directory of that name that belongs to somebody else is not used.
        guard lstat(directory, &status) == 0, status.st_uid == geteuid(), status.st_mode & S_IFMT == S_IFDIR else {
            return nil
        }
        return directory
    }

    /// Removes it, with what lies on tmpfs.
    package func erase() {
        for directory in [Self.memory.map(memoryPath), path].compactMap(\.self)
        where Owner.ofLink(directory) == geteuid() {
            try? FileManager.default.removeItem(atPath: directory)
        }
    }

    private static func target(of link: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(link, &buffer, buffer.count - 1)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The state directory where none is named: root's hub belongs to the machine, a user's hub to the user. `home` is what
    /// the user database has, for who runs without an environment.
    package static func standard(
        environment: [String: String], root: Bool, home: @autoclosure () -> String? = Owner.home
    ) -> StateDirectory {
        if root { return machine }
        if let base = environment["XDG_STATE_HOME"], base.hasPrefix("/") { return StateDirectory("\(base)/midihub") }
        let home = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? home()
        // A user without any home, as in a container; `create` refuses what another has put there.
        return StateDirectory(home.map { "\($0)/.local/state/midihub" } ?? "/tmp/midihub-\(geteuid())")
    }
}
