import Glibc
import Hub
import Linux
import Rooms
import TestSupport
import Testing

@Suite struct DoctorTests {
    private let directory = TemporaryDirectory()

    /// As the kernel calls this process.
    private var me: String {
        let name = File.text("/proc/self/comm", limit: 64)?.split(separator: "\n").first ?? ""
        return "\(name) (pid \(getpid()))"
    }

    @Test(arguments: [UInt16(0), 1], ["::", "0.0.0.0", "127.0.0.1"])
    func `who holds one of a pair of UDP ports is named`(offset: UInt16, host: String) throws {
        let port = freeUDPPortPair()
        #expect(Doctor.udpPair(port).isWell)
        let held = try Sockets.datagram(.init(host: host, port: port + offset))
        let finding = Doctor.udpPair(port)
        #expect(!finding.isWell)
        #expect(finding.topic == "UDP \(port)")
        #expect(finding.text == "UDP port \(port + offset) is taken by \(me)")
        #expect(finding.fix == "end that program, or choose another port with --port N")
        _ = held.number
    }

    @Test func `who listens where the page would be is named`() throws {
        let socket = try Sockets.listen(.init(host: "127.0.0.1", port: 0))
        let address = Sockets.localAddress(socket)
        let finding = Doctor.page(address)
        #expect(!finding.isWell)
        #expect(finding.text == "\(address) is taken by \(me)")
        #expect(finding.fix?.contains("--listen") == true)
        #expect(Doctor.page(.init(host: "127.0.0.1", port: freeTCPPort())).isWell)
        #expect(
            Doctor.page(.init(host: "192.0.2.1", port: 80)).text == "192.0.2.1:80: Cannot assign requested address")
    }

    @Test func `a daemon that is missing, no program or a directory is told apart, with the fix`() throws {
        var configuration = Configuration()
        let missing = directory.file("none")
        let plain = directory.write("plain", "text")
        let works = directory.write("rtpmidid", "#!/bin/sh\n")
        chmod(works, 0o755)
        for (path, text) in [
            (missing, "\(missing) does not exist"), (plain, "\(plain) is not executable"),
            (directory.path, "\(directory.path) is not executable"),
        ] {
            configuration.rtpmidid = path
            let finding = Doctor.daemon(configuration)
            #expect(!finding.isWell)
            #expect(finding.text == text)
            #expect(finding.fix?.isEmpty == false)
        }
        configuration.rtpmidid = works
        #expect(Doctor.daemon(configuration).isWell)
        #expect(Doctor.daemon(configuration).text == works)
    }

    @Test func `everything is examined, but for what a running hub holds itself`() throws {
        var configuration = Configuration()
        let (one, two) = (freeUDPPortPair(), freeUDPPortPair())
        configuration.rooms = [.init(name: "Hall", ports: [one, two], policy: .auto)]
        configuration.engine = .rtpmidid
        configuration.listen = .init(host: "127.0.0.1", port: freeTCPPort())
        configuration.web = directory.path
        let state = StateDirectory(directory.file("state"))
        let all = Doctor.examine(configuration, state: state, hubRuns: false, ownPorts: [])
        #expect(
            all.map(\.topic)
                == ["rtpmidid", "ALSA sequencer", "UDP \(one)", "UDP \(two)", "page", "state", "web", "avahi"])
        #expect(all.filter(\.isOptional).map(\.topic) == ["avahi"], "players can type an address")
        let running = Doctor.examine(configuration, state: state, hubRuns: true, ownPorts: [one])
        #expect(running.map(\.topic) == ["rtpmidid", "ALSA sequencer", "UDP \(two)", "state", "web", "avahi"])
        for finding in all where !finding.isWell { #expect(finding.fix?.isEmpty == false, "\(finding.topic)") }
    }

    @Test func `what only rtpmidid needs is optional where the embedded engine takes its place`() throws {
        var configuration = Configuration()
        configuration.rtpmidid = directory.file("none")
        func topics(_ engine: Configuration.EngineChoice) -> (all: [String], missing: [String]) {
            configuration.engine = engine
            let findings = Doctor.examine(
                configuration, state: StateDirectory(directory.file("state")), hubRuns: true, ownPorts: [5004])
            return (findings.map(\.topic), findings.filter { !$0.isWell && !$0.isOptional }.map(\.topic))
        }
        #expect(topics(.auto).all.starts(with: ["rtpmidid", "ALSA sequencer", "embedded engine", "real-time"]))
        #expect(!topics(.auto).missing.contains("rtpmidid") && !topics(.auto).missing.contains("ALSA sequencer"))
        #expect(topics(.embedded).all.first == "embedded engine")
        #expect(!topics(.embedded).all.contains("rtpmidid"))
        #expect(topics(.rtpmidid).missing.contains("rtpmidid"))
    }

    @Test func `a state directory that cannot be one and pages that are not there are said`() throws {
        var configuration = Configuration()
        configuration.web = directory.file("none")
        let file = directory.write("file", "")
        let findings = Doctor.examine(
            configuration, state: StateDirectory("\(file)/state"), hubRuns: true, ownPorts: [5004])
        let state = try #require(findings.first { $0.topic == "state" })
        #expect(!state.isWell)
        #expect(state.text == "\(file) is no directory")
        #expect(findings.first { $0.topic == "web" }?.isWell == false)
    }

    @Test func `without a sequencer the reason and a fix are said`() {
        let finding = Doctor.sequencer()
        let opens = File.opensForReadingAndWriting(Doctor.sequencerDevice) == nil
        #expect(finding.isWell == opens)
        #expect(finding.text.contains("/dev/snd/seq"))
        #expect((finding.fix != nil) == !opens)
    }

    @Test(arguments: [
        (
            "6.8.0-1021-aws", "NAME=Ubuntu\nID=ubuntu\nID_LIKE=debian\n",
            "apt install linux-modules-extra-6.8.0-1021-aws,"
        ),
        ("6.1.0-30-cloud-amd64", "PRETTY_NAME=x\nID=debian\n", "apt install linux-image-amd64, reboot into it,"),
        ("6.12.5-cloud-arm64", "ID=debian", "apt install linux-image-arm64, reboot into it,"),
        ("6.1.0-30-amd64", "ID=debian", "boot a kernel with sound"),
        ("6.9", "ID=notubuntu", "boot a kernel with sound"),
    ])
    func `the package that brings the sequencer is that of the distribution and the kernel`(
        kernel: String, distribution: String, text: String
    ) {
        let fix = Doctor.moduleFix(kernel: kernel, hasModule: false, distribution: distribution)
        #expect(fix.contains(text))
        #expect(fix.hasSuffix("then modprobe snd-seq"))
        #expect(
            Doctor.moduleFix(kernel: kernel, hasModule: true, distribution: distribution).hasPrefix("modprobe snd-seq"))
    }

    @Test func `an engine without real-time priority is a note, not a fault`() throws {
        var configuration = Configuration()
        configuration.engine = .embedded
        let findings = Doctor.examine(
            configuration, state: StateDirectory(directory.file("state")), hubRuns: true, ownPorts: [5004],
            enginePIDs: [getppid()])
        let finding = try #require(findings.first { $0.topic == "real-time" })
        #expect(!finding.isWell && finding.isOptional)
        #expect(finding.fix?.isEmpty == false)
    }

    @Test func `an engine whose memory is not locked is a note, not a fault`() throws {
        let finding = try #require(Doctor.machine([getppid()]).first { $0.topic == "memory" })
        #expect(!finding.isWell && finding.isOptional && finding.fix != nil)
    }

    @Test func `buffers that are too small and processors that slow down are notes, with the same fix`() throws {
        let (core, cpu) = ("proc/sys/net/core", "sys/devices/system/cpu")
        func findings() -> [Doctor.Finding] {
            Doctor.machine([], system: directory.path).filter { ["socket buffers", "processors"].contains($0.topic) }
        }
        #expect(findings().isEmpty, "where the machine does not tell, nothing is said")
        try File.makeDirectory(directory.file(core))
        try File.makeDirectory(directory.file("\(cpu)/cpu0/cpufreq"))
        directory.write("\(core)/rmem_max", "212992\n")
        directory.write("\(core)/wmem_max", "4194304\n")
        directory.write("\(cpu)/cpu0/cpufreq/scaling_governor", "schedutil\n")
        #expect(findings().count == 2 && findings().allSatisfy { !$0.isWell && $0.isOptional })
        #expect(findings()[0].text.hasPrefix("net.core.rmem_max is 212992: "))
        #expect(findings()[1].text.contains("schedutil"))
        #expect(findings().allSatisfy { $0.fix?.contains("tune") ?? false })
        directory.write("\(core)/rmem_max", "1048576\n")
        directory.write("\(cpu)/cpu0/cpufreq/scaling_governor", "performance\n")
        #expect(findings().count == 2 && findings().allSatisfy(\.isWell))
    }

    @Test func `alerts without curl are missing it`() {
        #expect(Doctor.alerts(curl: nil).isWell == false && Doctor.alerts(curl: nil).fix == "apt install curl")
    }

    @Test(arguments: [
        ("a b c d e f g h i j", "MIDIHUB_TOKEN: cannot be sent"), ("short", "MIDIHUB_TOKEN: shorter than 16"),
        ("0123456789abcdef", nil), ("", nil),
    ])
    func `a token of the environment that cannot be used is found`(token: String, message: String?) {
        let finding = Doctor.token(["MIDIHUB_TOKEN": token])
        #expect(finding?.isWell == (message == nil ? nil : false))
        #expect(finding?.text.hasPrefix(message ?? "") ?? true)
    }
}
