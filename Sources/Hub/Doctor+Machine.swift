import Linux

/// What keeps an engine from being late, on a machine that is busy with other things.
extension Doctor {
    /// The same for every finding: a package and scripts/install have it, a source tree in scripts.
    private static let tune = "/usr/share/midihub/tune as root (scripts/tune in the source); --undo takes it back"
    /// What the engine asks for each socket.
    private static let bufferSize = 1 << 20

    package static func machine(_ engines: Set<Int32>, system: String = "") -> [Finding] {
        [priority(engines), memory(engines)] + [buffers(system), governor(system)].compactMap(\.self)
    }

    private static func priority(_ engines: Set<Int32>) -> Finding {
        finding(
            "real-time", engines, RealTime.isUsed, RealTime.isAllowed,
            well: "before other programs (SCHED_FIFO)", goes: "goes", would: "would go",
            "an engine has no real-time priority here: other programs on a busy machine may delay notes")
    }

    private static func memory(_ engines: Set<Int32>) -> Finding {
        finding(
            "memory", engines, LockedMemory.isUsed, LockedMemory.isAllowed,
            well: "its memory locked (mlockall)", goes: "has", would: "would have",
            "an engine's memory is not locked here: on a machine that is short of it, notes may wait for the disk")
    }

    /// Of engines that run, what they have; else what one would have.
    private static func finding(
        _ topic: String, _ engines: Set<Int32>, _ isUsed: (Int32) -> Bool, _ isAllowed: Bool, well: String,
        goes: String,
        would: String, _ problem: String
    ) -> Finding {
        let isWell = engines.isEmpty ? isAllowed : engines.contains(where: isUsed)
        if isWell {
            return Finding(
                topic: topic, isWell: true,
                text: engines.isEmpty ? "an engine \(would) \(well)" : "the engine \(goes) \(well)")
        }
        return Finding(
            topic: topic, isWell: false, isOptional: true, text: problem,
            fix: "start the hub by systemd (midihub.service) or as root")
    }

    /// nil where the kernel does not tell, as in a container.
    private static func buffers(_ system: String) -> Finding? {
        let sizes = ["rmem_max", "wmem_max"].compactMap { name in
            File.text("\(system)/proc/sys/net/core/\(name)", limit: 64).flatMap { text in
                Int(text.filter(\.isNumber)).map { (name, $0) }
            }
        }
        guard !sizes.isEmpty else { return nil }
        let small = sizes.filter { $0.1 < bufferSize }
        if small.isEmpty {
            return Finding(topic: "socket buffers", isWell: true, text: "as large as the engine wants them")
        }
        return Finding(
            topic: "socket buffers", isWell: false, isOptional: true,
            text:
                "\(small.map { "net.core.\($0.0) is \($0.1)" }.joined(separator: ", ")): a crowd of packets that comes at once may be lost",
            fix: tune)
    }

    /// nil where the speed is not this machine's to choose, as in a cloud.
    private static func governor(_ system: String) -> Finding? {
        let cpus = "\(system)/sys/devices/system/cpu"
        let governors = Set(
            File.names(in: cpus).compactMap { File.text("\(cpus)/\($0)/cpufreq/scaling_governor", limit: 64) }.map {
                $0.filter { !$0.isWhitespace }
            })
        guard !governors.isEmpty else { return nil }
        if governors == ["performance"] {
            return Finding(topic: "processors", isWell: true, text: "do not slow down (the governor is performance)")
        }
        return Finding(
            topic: "processors", isWell: false, isOptional: true,
            text:
                "they slow down between two notes (the governor is \(governors.sorted().joined(separator: ", "))), and take a moment to be fast again",
            fix: tune)
    }
}
