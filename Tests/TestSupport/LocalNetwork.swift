import Glibc

/// Computers on one switch, as namespaces: each has an address of its own, at which all know it by its name, its own
/// processes, and its own places for what programs keep. All other files, and sound, are those of this machine. Needs root.
package final class LocalNetwork {
    private let directory = TemporaryDirectory()
    private let prefix = "midihub\(getpid())-"
    private var computers: [String: Computer] = [:]

    package init(_ names: [String]) throws {
        let address = { "10.77.8.\($0 + 1)" }
        let known = names.enumerated().map { "\(address($0)) \($1)\n" }.joined()
        let `switch` = prefix + "switch"
        func batch(_ lines: [String], in space: String? = nil) -> String {
            "ip \(space.map { "-n \($0) " } ?? "")-batch - <<END\n\(lines.joined(separator: "\n"))\nEND\n"
        }
        var cables = ["link add lan type bridge", "link set lan up"]
        var script = ""
        for (number, name) in names.enumerated() {
            let space = prefix + name
            computers[name] = try Computer(name, space: space, known: "127.0.0.1 localhost\n\(known)")
            cables += [
                "link add to-\(name) type veth peer name lan netns \(space)", "link set to-\(name) master lan up",
            ]
            let own = ["link set lo up", "address add \(address(number))/24 dev lan", "link set lan up"]
            script += batch(own, in: space)
        }
        let spaces = ([`switch`] + names.map { prefix + $0 }).map { "netns add \($0)" }
        try shell("set -e\n" + batch(spaces) + batch(cables, in: `switch`) + script)
        for computer in computers.values { try computer.powerOn() }
        for computer in computers.values { try computer.awaitPower() }
    }

    deinit {
        for computer in computers.values { computer.powerOff() }
        let spaces = computers.keys.map { prefix + $0 } + [prefix + "switch"]
        try? shell(spaces.map { "ip netns delete \($0)\nrm -rf /etc/netns/\($0)\n" }.joined())
    }

    package subscript(name: String) -> Computer { computers[name]! }  // those that it was made with

    private func shell(_ script: String) throws {
        let done = try Program("/bin/sh", ["-c", script], in: directory, name: "ip").finish(within: .seconds(60))
        guard done.code == 0 else { throw WaitedInVain(description: "\(script)\n\(done)") }
    }

    package final class Computer {
        private let space: String
        private let home = TemporaryDirectory()
        private let midihub: String
        /// The first process of its own, with which all others end.
        private var power: Program?

        fileprivate init(_ name: String, space: String, known: String) throws {
            (self.space, midihub) = (space, try builtProduct("midihub"))
            // What lies there `ip netns exec` puts in the place of files in /etc (ip-netns(8)).
            for place in ["/etc/netns", "/etc/netns/\(space)", home.file("lib"), home.file("run")] {
                mkdir(place, 0o755)
            }
            guard let file = fopen("/etc/netns/\(space)/hosts", "w") else {
                throw WaitedInVain(description: "a file in /etc/netns/\(space)")
            }
            fputs(known, file)
            fclose(file)
        }

        /// Nothing runs there before, and nothing can until it is awaited.
        package func powerOn() throws {
            unlink(home.file("on"))
            let places = #"mount --bind "$HOME/lib" /var/lib && mount --bind "$HOME/run" /run && : >"$HOME/on""#
            power = try start(
                ["ip", "netns", "exec", space, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
                    + ["/bin/sh", "-c", "\(places) && exec sleep infinity"], "computer")
        }

        package func awaitPower() throws {
            try eventually(within: .seconds(60), "\(space) to be on", seen: power?.error ?? "") {
                access(home.file("on"), F_OK) == 0
            }
        }

        /// Whatever runs there ends at once.
        package func powerOff() { power = nil }

        /// In its home.
        package func write(_ name: String, _ text: String) { home.write(name, text) }

        /// A line as somebody types it there, at home, where `midihub` is installed. The process is the one that has typed it.
        package func begin(_ line: String) throws -> Program {
            guard let power else { throw WaitedInVain(description: "\(space) is off") }
            let first = text(of: "/proc/\(power.pid)/task/\(power.pid)/children").split(separator: " ").first ?? ""
            return try start(
                ["nsenter", "--target", String(first), "--net", "--mount", "--root", "--pid"]
                    + ["/bin/sh", "-c", #"cd && eval "exec $1""#, "sh", line], "line")
        }

        private func start(_ words: [String], _ name: String) throws -> Program {
            let path = "\(midihub.dropLast("/midihub".count)):\(environment("PATH") ?? "/usr/bin:/usr/sbin")"
            return try Program(
                "/usr/bin/env", words,
                environment: ["HOME": home.path, "XDG_RUNTIME_DIR": home.file("run"), "PATH": path], in: home,
                name: name)
        }

        /// `kill -9` for those that run there with this word on their command line; false where there is none.
        package func kill9(_ word: String) -> Bool {
            var own = stat()
            guard stat("/run/netns/\(space)", &own) == 0 else { return false }
            let pids = names(in: "/proc").compactMap { Int32($0) }.filter { pid in
                var its = stat()
                return stat("/proc/\(pid)/ns/net", &its) == 0 && (its.st_dev, its.st_ino) == (own.st_dev, own.st_ino)
                    && text(of: "/proc/\(pid)/cmdline").split(separator: "\0").contains(Substring(word))
            }
            for pid in pids { kill(pid, SIGKILL) }
            return !pids.isEmpty
        }
    }
}
