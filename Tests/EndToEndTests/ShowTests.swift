import Glibc
import TestSupport
import Testing

/// README's "One controller, two hubs, two computers" in its own lines: two hubs, a controller on a USB cable and a program
/// on either computer, on five computers of a network. The sequencer is one for all of them, so that a program is connected
/// to the port of which the `join` of its own computer says that it is there.
@Suite(
    .enabled(
        if: USBController.isPossible || environment("MIDIHUB_VM") != nil,
        "needs USB sockets without a device (dummy_hcd) and network namespaces: run it in the virtual machine"))
struct ShowTests {
    /// The section's lines.
    private struct Recipe {
        private let lines: [String]

        init() throws {
            let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
            let section = try #require(
                text(of: "/\(root)/README.md").split(separator: "\n## ").first {
                    $0.hasPrefix("One controller, two hubs, two computers\n")
                })
            lines = section.split(separator: "\n").filter { $0.hasPrefix("    ") }.map { String($0.dropFirst(4)) }
        }

        func line(_ beginning: String, with words: String = "") throws -> String {
            try #require(
                lines.first { $0.hasPrefix(beginning) && $0.contains(words) }, "\(beginning) … \(words) in \(lines)")
        }
    }

    /// A program that plays and hears by the ALSA port of its own computer's `join`.
    private final class Show {
        let join: Program
        private let program: SequencerClient
        private let own: SequencerAddress
        private var heard: [[UInt8]] = []

        init(_ join: Program, _ name: String) throws {
            self.join = join
            program = try SequencerClient(name: Array(name.utf8))
            own = SequencerAddress(client: program.client, port: program.createPort(Array(name.utf8)))
        }

        func connect(to controller: String) throws {
            let port = try awaited(within: .seconds(120), "a port called \(controller)", seen: join.error) {
                join.error.matches(of: /the ALSA port (\d+):(\d+) is (.*)/).first { $0.3 == controller }
            }
            let address = try SequencerAddress(client: #require(Int(port.1)), port: #require(Int(port.2)))
            try program.connect(address, to: own)
            try program.connect(own, to: address)
        }

        /// What it has heard on a channel that nothing else is played on.
        var music: [[UInt8]] {
            listen()
            return heard.filter { $0[0] == 0x95 }
        }

        func hears(_ message: [UInt8]) -> Bool {
            listen()
            return heard.contains(message)
        }

        private func listen() {
            while let event = program.nextEvent() { if case .midi(_, let bytes) = event { heard.append(bytes) } }
        }

        func play(_ messages: [[UInt8]]) throws {
            for message in messages { try program.send(message, from: own.port) }
        }
    }

    /// Pads and faders as they are at the controller.
    private final class Lights {
        let controller: USBController
        private var octets: [UInt8] = []
        private var pads: [UInt8: UInt8] = [:]
        private var faders: [UInt8: UInt8] = [:]

        init(_ controller: USBController) { self.controller = controller }

        /// Exactly these pads, each in its colour, and these faders where they are to be.
        func show(_ lights: [[UInt8]]) -> Bool {
            octets += controller.received()
            while octets.count >= 3 {
                let (status, number, value) = (octets[0], octets[1], octets[2])
                octets.removeFirst(3)
                if status == 0xB0 { faders[number] = value } else { pads[number] = status == 0x90 ? value : nil }
            }
            let wanted = lights.filter { $0[0] == 0x90 }.map { ($0[1], $0[2]) }
            return pads == Dictionary(uniqueKeysWithValues: wanted)
                && lights.allSatisfy { $0[0] != 0xB0 || faders[$0[1]] == $0[2] }
        }

        func await(_ lights: [[UInt8]], _ whose: String) throws {
            try eventually(within: .seconds(120), "\(whose) lights", seen: "pads \(pads), faders \(faders)") {
                show(lights)
            }
        }
    }

    @Test func `a controller is heard once by two computers and lit by who has the focus, whatever dies`() throws {
        let recipe = try Recipe()
        let network = try LocalNetwork(["A", "B", "Stage", "Left", "Right"])
        defer { withExtendedLifetime(network) {} }
        let hubs = [network["A"], network["B"]]
        /// Until it is obeyed: a hub that is new is about to know again who is there, and on a slow machine goes on trying.
        func say(_ line: String, on computers: [LocalNetwork.Computer]) throws {
            var (deaf, words) = (computers, "")
            try eventually(within: .seconds(180), line, seen: words) {
                let lines = try deaf.map { ($0, try $0.begin(line)) }
                deaf = try lines.filter { _, line in
                    let finished = try line.finish(within: .seconds(120))
                    words = finished.description
                    return finished.code != 0
                }.map(\.0)
                return deaf.isEmpty
            }
        }
        for hub in hubs { hub.write("show.json5", try recipe.line("{")) }
        try say(try recipe.line("midihub start"), on: hubs)
        let lights = try Lights(USBController("APC40 mkII", socket: 0))
        try lights.controller.plug()
        func join(_ computer: String, as name: String) throws -> Program {
            try network[computer].begin(try recipe.line("midihub join", with: "--name \(name)"))
        }
        let stage = try join("Stage", as: "APC40")
        let (left, right) = try (Show(join("Left", as: "Left"), "left"), Show(join("Right", as: "Right"), "right"))
        for one in [stage, left.join, right.join] {
            try eventually(within: .seconds(120), "it is on both hubs", seen: one.error) {
                one.error.contains("is heard once")
            }
        }
        for show in [left, right] { try show.connect(to: "APC40 mkII:APC40 mkII MIDI 1") }

        // A computer with a hub is switched off while the controller plays.
        let music = (0..<300).map { [0x95, UInt8($0 % 128), UInt8($0 / 128 + 1)] }
        var due = ContinuousClock.now
        for start in stride(from: 0, to: music.count, by: 5) {
            if start == 100 { network["A"].powerOff() }
            try lights.controller.play(music[start..<start + 5].flatMap(\.self))
            due += .milliseconds(50)
            try eventually("the next beat") { left.music.count + right.music.count >= 0 && .now >= due }
        }
        for show in [left, right] {
            try eventually(within: .seconds(120), "the music", seen: "\(show.music.count) notes") {
                show.music.count >= music.count
            }
            #expect(show.music == music)
        }
        try network["A"].powerOn()
        try network["A"].awaitPower()
        try say(try recipe.line("midihub start"), on: [network["A"]])

        func give(to name: String) throws {
            let words = try recipe.line("midihub focus ").split(separator: " ").dropLast() + [Substring(name)]
            try say(words.joined(separator: " "), on: hubs)
        }
        let leftLights: [[UInt8]] = [[0x90, 0, 5], [0x90, 1, 3], [0xB0, 0x30, 0x40]]
        let rightLights: [[UInt8]] = [[0x90, 0, 1], [0x90, 2, 2], [0xB0, 0x30, 0x11]]
        try give(to: "Left")
        try left.play(leftLights)
        try right.play(rightLights)
        try lights.await(leftLights, "Left's")
        #expect(network["B"].kill9("engine"))
        try give(to: "Right")
        try lights.await(rightLights, "Right's")
        #expect(network["Right"].kill9("join"))
        try lights.await([], "no")
        try give(to: "Left")
        try lights.await(leftLights, "Left's again")
        #expect(left.music == music, "nothing was said twice by who has come back")

        // It is pulled out, and plugged in again: what it held has ended, and the port has kept its name and its program.
        lights.controller.unplug()
        try eventually("the ends of its notes") { left.hears([0x85, 127, 64]) }
        try lights.controller.plug()
        try eventually(within: .seconds(60), "the controller is back") {
            try lights.controller.play([0xB0, 7, 1])
            return left.hears([0xB0, 7, 1])
        }
    }
}
