import PatchBay
import Sequencer
import TestSupport
import Testing

@Suite(.enabled(if: sequencerIsThere, "needs an ALSA sequencer: run it in the virtual machine"), .serialized)
struct VirtualPortTests {
    private let messages: [[UInt8]] = [
        [0x90, 60, 100], [0x80, 60, 64], [0xB0, 64, 127], [0xC3, 5], [0xD0, 9], [0xE0, 0, 64], [0xA0, 60, 1], [0xFA],
        [0xF8], [0xF0, 0x7E, 0x7F, 9, 1, 0xF7], [0xF0] + (0..<3000).map { UInt8($0 % 128) } + [0xF7],
    ]

    @Test func `it bears its name, and what it sends its hearers hear`() throws {
        let port = try VirtualPort(name: "Piano")
        let hearer = try SequencerClient(name: Array("hearer".utf8))
        let own = SequencerAddress(client: hearer.client, port: hearer.createPort(Array("in".utf8)))
        let address = SequencerAddress(client: Int(port.address.client), port: Int(port.address.port))
        #expect(hearer.ports().contains { $0.address == address && $0.name == Array("Piano".utf8) })
        try hearer.connect(address, to: own)
        for message in messages { port.send(message) }
        var heard: [UInt8] = []
        try eventually("all of it", seen: hex(heard)) {
            while let event = hearer.nextEvent() { if case .midi(_, let bytes) = event { heard += bytes } }
            return heard.count >= messages.joined().count
        }
        #expect(heard == Array(messages.joined()))
    }

    @Test func `it may be renamed while somebody is connected`() throws {
        let port = try VirtualPort(client: "APC40", port: "APC40 MIDI 1")
        let hearer = try SequencerClient(name: Array("hearer".utf8))
        let own = SequencerAddress(client: hearer.client, port: hearer.createPort(Array("in".utf8)))
        let address = SequencerAddress(client: Int(port.address.client), port: Int(port.address.port))
        try hearer.connect(address, to: own)
        try port.rename(client: "Launchpad", port: "Launchpad MIDI 1")
        let shown = try #require(hearer.ports().first { $0.address == address })
        #expect(shown.clientName == Array("Launchpad".utf8) && shown.name == Array("Launchpad MIDI 1".utf8))
        port.send([0x90, 60, 100])
        try eventually("the note") {
            if case .midi(_, let bytes)? = hearer.nextEvent() { bytes == [0x90, 60, 100] } else { false }
        }
    }

    @Test func `what is sent to it it hears, whole`() throws {
        let port = try VirtualPort(name: "Piano")
        let player = try SequencerClient(name: Array("player".utf8))
        let own = player.createPort(Array("out".utf8))
        try player.connect(
            SequencerAddress(client: player.client, port: own),
            to: SequencerAddress(client: Int(port.address.client), port: Int(port.address.port)))
        var heard: [[UInt8]] = []
        for message in messages {
            try player.send(message, from: own)
            try eventually("\(hex(message))", seen: "\(heard.map { hex($0) })") {
                port.receive { heard.append($0) }
                return heard.last == message
            }
        }
        #expect(heard == messages)
    }
}
