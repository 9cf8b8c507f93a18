import Foundation
import Glibc
import Hub
import Linux
import TestSupport
import Testing

@Suite struct StateDirectoryTests {
    private let directory = TemporaryDirectory()
    private var state: StateDirectory { StateDirectory(directory.file("state")) }
    /// A directory that is on tmpfs on every Linux.
    private static let memory = "/dev/shm"

    private func mode(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    private func target(_ link: String) -> String? { try? FileManager.default.destinationOfSymbolicLink(atPath: link) }

    @Test func `it is made private to owner and group, with its parents, and may be there already`() throws {
        let state = StateDirectory(directory.file("a/b/state"))
        try state.create()
        try state.create()
        #expect(try mode(state.path) == 0o750)
        #expect(try mode(state.engines) == 0o750)
    }

    @Test(arguments: [
        ([:], true, "/var/lib/midihub"), (["XDG_STATE_HOME": "/s"], true, "/var/lib/midihub"),
        (["XDG_STATE_HOME": "/s", "HOME": "/h"], false, "/s/midihub"),
        (["XDG_STATE_HOME": "relative", "HOME": "/h"], false, "/h/.local/state/midihub"),
        (["HOME": "/h"], false, "/h/.local/state/midihub"),
    ])
    func `where none is named, root's is the machine's and a user's is the user's`(
        environment: [String: String], root: Bool, path: String
    ) {
        #expect(StateDirectory.standard(environment: environment, root: root).path == path)
    }

    @Test func `without an environment it lies in the user's home, and never where strangers make directories`() {
        #expect(StateDirectory.standard(environment: [:], root: false, home: "/h").path == "/h/.local/state/midihub")
        #expect(StateDirectory.standard(environment: ["HOME": ""], root: false, home: "/h").path.hasPrefix("/h/"))
        #expect(StateDirectory.standard(environment: [:], root: false, home: nil).path == "/tmp/midihub-\(geteuid())")
    }

    @Test(.enabled(if: geteuid() == 0, "only root can make files of others"))
    func `a stranger's directory, or one behind a stranger's link, is refused by name`() throws {
        let stranger: UInt32 = 4711
        let (theirs, link) = (StateDirectory(directory.file("theirs")), directory.file("link"))
        mkdir(theirs.path, 0o777)
        chown(theirs.path, stranger, stranger)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: directory.path)
        lchown(link, stranger, stranger)
        for (state, text) in [
            (theirs, "state directory \(theirs.path): \(theirs.path) belongs to user 4711: Operation not permitted"),
            (StateDirectory("\(link)/state"), "\(link) belongs to user 4711"),
            (StateDirectory(link), "\(link) belongs to user 4711"),
            (StateDirectory("\(theirs.path)/a/b"), "\(theirs.path) belongs to user 4711"),
        ] {
            do {
                try state.create()
                Issue.record("\(state.path) was taken")
            } catch { #expect("\(error)".contains(text), "\(error)") }
            #expect(!File.exists(state.engines))
        }
        // Links that belong to the system or to this user are allowed.
        try FileManager.default.createSymbolicLink(atPath: directory.file("own"), withDestinationPath: directory.path)
        try StateDirectory(directory.file("own/state")).create()
    }

    @Test(.enabled(if: geteuid() == 0, "only root can make files of others"))
    func `the doctor says whose it is`() throws {
        let theirs = directory.file("theirs")
        mkdir(theirs, 0o777)
        chown(theirs, 4711, 4711)
        let findings = Doctor.examine(
            Configuration(), state: StateDirectory("\(theirs)/state"), hubRuns: true, ownPorts: [5004])
        let finding = try #require(findings.first { $0.topic == "state" })
        #expect(!finding.isWell && finding.text.contains("\(theirs) belongs to user 4711"), "\(finding.text)")
    }

    @Test func `known engines are those that left a record or an ini file`() throws {
        #expect(state.knownEngines.isEmpty)
        try state.create()
        for name in ["b.ini", "b.json", "b.log", "a.json", "c.sock", "d.ini.new"] {
            try File.replace("\(state.engines)/\(name)", with: [])
        }
        #expect(state.knownEngines == ["a", "b"])
    }

    @Test func `a log lies on tmpfs where there is one, by a link`() throws {
        try state.create()
        try state.placeLog("one", in: Self.memory)
        let path = try #require(target(state.log("one")))
        defer { try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent) }
        #expect(path.hasPrefix("\(Self.memory)/midihub-tmp-midihub-"))
        #expect(try mode((path as NSString).deletingLastPathComponent) == 0o750)
        _ = try AppendedFile(state.log("one"))
        try File.replace(path, with: Array("line\n".utf8))
        // Started again, as by cron without a session: the log stays where it is.
        for base in [Self.memory, nil] {
            try state.placeLog("one", in: base)
            #expect(File.text(state.log("one")) == "line\n")
        }
    }

    @Test func `a link whose target went with the last boot leads to a log again`() throws {
        try state.create()
        try FileManager.default.createSymbolicLink(
            atPath: state.log("one"), withDestinationPath: directory.file("gone/one.log"))
        try state.placeLog("one", in: nil)
        _ = try AppendedFile(state.log("one"))
        #expect(target(state.log("one")) == nil, "a plain file now")

        try FileManager.default.removeItem(atPath: state.log("one"))
        try FileManager.default.createSymbolicLink(
            atPath: state.log("one"), withDestinationPath: directory.file("gone/one.log"))
        try state.placeLog("one", in: Self.memory)
        let fresh = try #require(target(state.log("one")))
        defer { try? FileManager.default.removeItem(atPath: (fresh as NSString).deletingLastPathComponent) }
        #expect(fresh.hasPrefix(Self.memory))
    }

    @Test func `a plain log from before goes on being used, and one on a disk is no tmpfs`() throws {
        try state.create()
        try state.placeLog("two", in: directory.path)
        #expect(target(state.log("two")) == nil)
        try File.replace(state.log("one"), with: Array("old\n".utf8))
        try state.placeLog("one", in: Self.memory)
        #expect(target(state.log("one")) == nil)
        #expect(File.text(state.log("one")) == "old\n")
    }

    @Test func `what lies in the way on tmpfs and is no directory of ours is not written to`() throws {
        try state.create()
        let path = "\(Self.memory)/midihub\(state.path.replacing("/", with: "-"))"
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: directory.path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try state.placeLog("one", in: Self.memory)
        #expect(target(state.log("one")) == nil)
        #expect(!File.exists(directory.file("one.log")))
    }
}
