import Glibc
package import Linux
import Rooms

/// What the hub needs on this machine, found or missing, each with its fix. Used by `midihub doctor`, by the page and by
/// the engines before they start.
package enum Doctor {
    package struct Finding: Equatable, Sendable {
        package var topic: String
        package var isWell: Bool
        /// Something the hub can do without.
        package var isOptional = false
        package var text: String
        package var fix: String?
    }

    /// Examines everything; `ownPorts` are the UDP ports that engines of ours hold already, `enginePIDs` the
    /// embedded ones, `putOff` what a hub that is locked does at its unlock.
    package static func examine(
        _ configuration: Configuration, state: StateDirectory, hubRuns: Bool, ownPorts: Set<UInt16>,
        enginePIDs: Set<Int32> = [], putOff: [String] = []
    ) -> [Finding] {
        var findings = engines(configuration)
        if configuration.engine != .rtpmidid { findings += machine(enginePIDs) }
        if configuration.failover != nil { findings.append(cipher()) }
        for (port, _, _) in configuration.ports where !ownPorts.contains(port) {
            findings.append(udpPair(port))
        }
        if !hubRuns {
            findings.append(page(configuration.listen))
            findings += configuration.tcp.map { tcp(.init(host: configuration.address ?? "::", port: $0.port)) }
        }
        findings.append(stateDirectory(state))
        findings += lock(state, putOff)
        findings.append(webDirectory(configuration))
        findings.append(avahi())
        if configuration.alerts != nil { findings.append(alerts()) }
        return findings + [token()].compactMap(\.self)
    }

    /// What rtpmidid needs; where it may be missing, the embedded engine needs nothing.
    private static func engines(_ configuration: Configuration) -> [Finding] {
        let embedded = Finding(topic: "embedded engine", isWell: true, text: "needs neither rtpmidid nor a sequencer")
        // It can do without a sequencer, but for the devices of this machine.
        let forDevices = configuration.devices.isEmpty ? [] : [sequencer()]
        if configuration.engine == .embedded { return [embedded] + forDevices }
        if let keys = EngineKind.rtpmidid.cannotHonour(configuration) {
            let text = "carries the MIDI: rtpmidid cannot honour \(keys)"
            return [Finding(topic: embedded.topic, isWell: true, text: text)] + forDevices
        }
        var findings = [daemon(configuration), sequencer()]
        guard configuration.engine == .auto, !findings.allSatisfy(\.isWell) else { return findings }
        for index in findings.indices { findings[index].isOptional = !forDevices.contains(findings[index]) }
        return findings + [
            Finding(
                topic: "embedded engine", isWell: true, text: "carries the MIDI instead of rtpmidid: it needs nothing")
        ]
    }

    package static func daemon(_ configuration: Configuration) -> Finding {
        let fix =
            "install rtpmidid 24.12 or newer (its releases have .deb packages: github.com/davidmoreno/rtpmidid), or name it with --rtpmidid PATH"
        if let path = configuration.rtpmidid {
            guard File.exists(path) else {
                return Finding(topic: "rtpmidid", isWell: false, text: "\(path) does not exist", fix: fix)
            }
            guard File.isExecutable(path) else {
                return Finding(
                    topic: "rtpmidid", isWell: false, text: "\(path) is not executable", fix: "chmod +x \(path)")
            }
            return Finding(topic: "rtpmidid", isWell: true, text: path)
        }
        guard let path = Programs.find("rtpmidid") else {
            return Finding(topic: "rtpmidid", isWell: false, text: "rtpmidid is not installed", fix: fix)
        }
        return Finding(topic: "rtpmidid", isWell: true, text: path)
    }

    package static let sequencerDevice = "/dev/snd/seq"

    package static func sequencer() -> Finding {
        guard let error = File.opensForReadingAndWriting(sequencerDevice) else {
            return Finding(topic: "ALSA sequencer", isWell: true, text: "\(sequencerDevice) opens")
        }
        let text = "no ALSA sequencer: \(sequencerDevice): \(error.reason)"
        if error.code == EACCES {
            return Finding(
                topic: "ALSA sequencer", isWell: false, text: text,
                fix: "run the hub as root, or add its user to the group audio: usermod -aG audio \(userName())")
        }
        return Finding(topic: "ALSA sequencer", isWell: false, text: text, fix: moduleFix())
    }

    private static func moduleFix() -> String {
        var system = utsname()
        uname(&system)
        let release = withUnsafeBytes(of: &system.release) { raw in
            String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
        }
        let directory = "/lib/modules/\(release)/kernel/sound/core/seq/"
        return moduleFix(
            kernel: release, hasModule: File.names(in: directory).contains { $0.hasPrefix("snd-seq.ko") },
            distribution: File.text("/etc/os-release", limit: 16384) ?? "")
    }

    /// Cloud kernels come without sound: which package brings the module depends on the distribution and the kernel.
    /// `distribution` is os-release(5).
    package static func moduleFix(kernel: String, hasModule: Bool, distribution: String) -> String {
        if hasModule {
            return "modprobe snd-seq (and, for every boot: echo snd-seq > /etc/modules-load.d/midihub.conf)"
        }
        let lines = distribution.split(separator: "\n")
        if lines.contains("ID=ubuntu") {
            return "apt install linux-modules-extra-\(kernel), then modprobe snd-seq"
        }
        if lines.contains("ID=debian"), kernel.contains("-cloud-") {
            let architecture = kernel.split(separator: "-").last ?? "amd64"
            return
                "this cloud kernel has no sound: apt install linux-image-\(architecture), reboot into it, then modprobe snd-seq"
        }
        return "this kernel (\(kernel)) has no snd-seq module: boot a kernel with sound, then modprobe snd-seq"
    }

    /// Both ports of a pair must be free: rtpmidid goes on running without them, deaf.
    package static func udpPair(_ port: UInt16) -> Finding {
        for number in [port, port + 1] {
            do throws(Errno) {
                _ = try Sockets.datagram(.init(host: "::", port: number))
            } catch {
                // A machine without IPv6 is asked again with IPv4.
                if error.code == EAFNOSUPPORT || error.code == EADDRNOTAVAIL,
                    (try? Sockets.datagram(.init(host: "0.0.0.0", port: number))) != nil
                {
                    continue
                }
                let holder = error.code == EADDRINUSE ? Programs.holder(of: number, .udp) : nil
                let text = "UDP port \(number) is taken" + (holder.map { " by \($0)" } ?? ": \(error.reason)")
                let service =
                    holder?.hasPrefix("rtpmidid ") == true ? " (perhaps: systemctl disable --now rtpmidid)" : ""
                let fix =
                    error.code == EACCES
                    ? "ports below 1024 need root: choose another with --port N"
                    : "end that program\(service), or choose another port with --port N"
                return Finding(topic: "UDP \(port)", isWell: false, text: text, fix: fix)
            }
        }
        return Finding(topic: "UDP \(port)", isWell: true, text: "ports \(port) and \(port + 1) are free")
    }

    package static func page(_ address: Sockets.Address) -> Finding {
        listener(address, "page", fix: "choose another with --listen ADDRESS:PORT")
    }

    /// A port for TCP clients.
    static func tcp(_ address: Sockets.Address) -> Finding {
        listener(address, "TCP \(address.port)", fix: "choose another port in tcp")
    }

    private static func listener(_ address: Sockets.Address, _ topic: String, fix: String) -> Finding {
        do throws(Errno) {
            _ = try Sockets.listen(address)
            return Finding(topic: topic, isWell: true, text: "\(address) is free")
        } catch {
            let holder = error.code == EADDRINUSE ? Programs.holder(of: address.port, .tcp) : nil
            return Finding(
                topic: topic, isWell: false,
                text: "\(address)" + (holder.map { " is taken by \($0)" } ?? ": \(error.reason)"),
                fix: holder == nil ? fix : "end that program, or \(fix)")
        }
    }

    private static func stateDirectory(_ state: StateDirectory) -> Finding {
        var path = state.path
        while !File.exists(path), let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            path = String(path[..<slash])
        }
        guard File.isDirectory(path) else {
            return Finding(
                topic: "state", isWell: false, text: "\(path) is no directory",
                fix: "move that file away, or name another directory with --state DIR")
        }
        do throws(Errno) {
            try state.refuseStrangers(owner: geteuid() == 0 ? Owner.of(state.path)?.user ?? 0 : geteuid())
        } catch {
            return Finding(
                topic: "state", isWell: false, text: error.thing,
                fix: "run as that user, or name a directory of your own with --state DIR")
        }
        guard access(path, W_OK) == 0 else {
            return Finding(
                topic: "state", isWell: false, text: "\(state.path) cannot be written by \(userName())",
                fix: "run as root, or name a directory of your own with --state DIR")
        }
        return Finding(topic: "state", isWell: true, text: state.path)
    }

    /// `putOff`: what waits for the unlock.
    private static func lock(_ state: StateDirectory, _ putOff: [String]) -> [Finding] {
        guard let lock = ShowLock.load(state) else { return [] }
        let then = putOff.isEmpty ? "" : "; then \(putOff.joined(separator: ", and "))"
        return [
            Finding(
                topic: "lock", isWell: false, isOptional: true,
                text: "the hub is locked \(lock.text): what could change a room is refused\(then)",
                fix: "midihub unlock")
        ]
    }

    private static func webDirectory(_ configuration: Configuration) -> Finding {
        guard let web = WebDirectory.find(configuration.web) else {
            return Finding(
                topic: "web", isWell: false, text: "the pages' directory web/ was not found",
                fix: "name it with --web DIR (it lies at the top of the source tree)")
        }
        return Finding(topic: "web", isWell: true, text: web)
    }

    /// The configuration's has been looked at with the rest of it.
    package static func token(_ environment: [String: String] = Programs.environment) -> Finding? {
        do throws(ConfigurationError) { _ = try AccessToken.inEnvironment(environment) } catch {
            return Finding(
                topic: "token", isWell: false, text: error.description,
                fix: "choose another, as `openssl rand -hex 16` makes one, or take MIDIHUB_TOKEN out of the environment"
            )
        }
        return nil
    }

    package static func alerts(curl: String? = Curl.path) -> Finding {
        guard let curl else {
            return Finding(
                topic: "alerts", isWell: false, text: "alerts are configured, and curl is not installed",
                fix: "apt install curl")
        }
        return Finding(topic: "alerts", isWell: true, text: "are sent by \(curl)")
    }

    /// What goes between two hubs is encrypted.
    private static func cipher() -> Finding {
        do throws(Libcrypto.Missing) { _ = try Libcrypto() } catch {
            return Finding(
                topic: "encryption", isWell: false, text: "there is no pair of hubs: \(error.reason)",
                fix: "apt install libssl3")
        }
        return Finding(topic: "encryption", isWell: true, text: "libcrypto is here, for what goes between the two hubs")
    }

    private static func avahi() -> Finding {
        let runs = File.exists("/run/avahi-daemon/socket") || File.exists("/var/run/avahi-daemon/socket")
        return Finding(
            topic: "avahi", isWell: runs, isOptional: true,
            text: runs
                ? "avahi-daemon runs: the hub is announced on the local network"
                : "avahi-daemon does not run: the hub is not announced on the local network; players type its address",
            fix: runs ? nil : "apt install avahi-daemon (only useful where players are on the same network)")
    }

    private static func userName() -> String { Owner.name(of: geteuid()) }
}

/// Where the pages lie.
package enum WebDirectory {
    /// The named one; else beside the source tree's build, else where a package puts it.
    package static func find(_ named: String?) -> String? {
        if let named { return File.isDirectory(named) ? named : nil }
        var candidates = ["/usr/share/midihub/web", "/usr/local/share/midihub/web"]
        // …/.build/x86_64-unknown-linux-gnu/release/midihub: the tree's top is some levels up. PREFIX/bin/midihub: one.
        var directory = Executable.path
        for _ in 0..<5 {
            guard let slash = directory.lastIndex(of: "/") else { break }
            directory = String(directory[..<slash])
            candidates.insert(
                contentsOf: ["\(directory)/web", "\(directory)/share/midihub/web"], at: candidates.count - 2)
        }
        return candidates.first { File.exists("\($0)/index.html") }
    }
}
