import CLinux
import Glibc
import Linux

/// Hosts as network namespaces on one switch, whose cables can be pulled. Only root can have it.
package final class TestNetwork {
    /// Why there is none here; nil where there can be one.
    package static var trouble: String? {
        if geteuid() != 0 { return "only root has network namespaces" }
        return ["ip", "bridge", "nft"].first { installed($0) == nil }.map {
            "there is no \($0): scripts/packages iproute2 nftables"
        }
    }

    private let directory = TemporaryDirectory()
    private let name: String
    private let hosts: [String]
    private var busy: [Program] = []

    package init(_ hosts: [String]) throws {
        self.hosts = hosts
        name = "midihub-\(getpid())-\(directory.path.suffix(6))"
        try ip("netns", "add", name)
        try ip("-n", name, "link", "add", "lan", "type", "bridge")
        try ip("-n", name, "link", "set", "lan", "up")
        for host in hosts {
            let space = space(host)
            try ip("netns", "add", space)
            try ip("-n", name, "link", "add", "to-\(host)", "type", "veth", "peer", "lan", "netns", space)
            try ip("-n", name, "link", "set", "to-\(host)", "master", "lan", "up")
            try ip("-n", space, "address", "add", "\(address(host))/24", "dev", "lan")
            try ip("-n", space, "link", "set", "lan", "up")
            try ip("-n", space, "link", "set", "lo", "up")
            // Whoever was cut off asks for the others' hardware addresses once a second: too late for a round that begins now.
            try ip("netns", "exec", space, "sh", "-c", "echo 20 > /proc/sys/net/ipv4/neigh/lan/retrans_time_ms")
        }
    }

    deinit { for space in [name] + hosts.map(space) { try? ip("netns", "delete", space) } }

    private func space(_ host: String) -> String { "\(name)-\(host)" }
    package func address(_ host: String) -> String { "10.77.8.\(hosts.firstIndex(of: host)! + 1)" }

    /// A command's words, for that host.
    package func on(_ host: String, _ words: [String]) -> [String] {
        [installed("ip")!, "netns", "exec", space(host)] + words
    }

    /// The calling thread is on that host from now on.
    package func enter(_ host: String) throws {
        let path = "/run/netns/\(space(host))"
        let space = try Descriptor("open", path) { open(path, O_RDONLY | O_CLOEXEC) }
        try retrying("setns", path) { midihub_setns(space.number) }
    }

    /// Pulls a host's cable or plugs it in; it takes effect some milliseconds later.
    package func plug(_ host: String, _ isIn: Bool) throws {
        try begin(["ip", "-n", name, "link", "set", "to-\(host)", isIn ? "up" : "down"])
    }

    /// These hosts do not reach each other, and are reached by all others.
    package func part(_ hosts: [String], _ areParted: Bool) throws {
        for host in hosts {
            try begin(
                [
                    "ip", "netns", "exec", name, "bridge", "link", "set", "dev", "to-\(host)", "isolated",
                    areParted ? "on" : "off",
                ])
        }
    }

    /// No UDP comes to one host from another.
    package func dropUDP(to host: String, from other: String, _ isDropped: Bool) throws {
        let rule =
            "add table ip test; add chain ip test in { type filter hook input priority 0; }; "
            + "add rule ip test in ip saddr \(address(other)) meta l4proto udp drop"
        try begin(on(host, ["nft", isDropped ? rule : "delete table ip test"]))
    }

    private func ip(_ words: String...) throws {
        let done = try Program(installed("ip")!, words, in: directory, name: "ip").finish()
        guard done.code == 0 else { throw WaitedInVain(description: "ip \(words.joined(separator: " ")): \(done)") }
    }

    private func begin(_ words: [String]) throws {
        busy.removeAll { $0.exit != nil }
        busy.append(try Program(installed(words[0]) ?? words[0], Array(words.dropFirst()), in: directory, name: "ip"))
    }
}

/// The path of a program that this machine has; nil where it has none of this name.
package func installed(_ name: String) -> String? {
    (environment("PATH") ?? "").split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
}
