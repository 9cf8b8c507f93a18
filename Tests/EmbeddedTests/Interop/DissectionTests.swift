import Foundation
import Glibc
import MIDI
import RTPMIDI
import TestSupport
import Testing

/// What the engine sends, read by Wireshark's dissectors.
@Suite struct DissectionTests {
    /// A frame as tshark prints it: field by field, the values of a field that occurs more than once with commas between.
    private struct Frame {
        static let fields =
            ["frame.protocols", "_ws.expert.message", "applemidi.command", "rtp.seq", "rtpmidi.channel_status"]
            + chapters.map { "rtpmidi.chanjour_toc_\($0)" }
        static let chapters = ["p", "c", "m", "w", "n", "t", "a"]
        let values: [String]
        var proto: String { values[0] }
        var complaint: String { values[1] }
        var command: String { values[2] }
        var sequence: String { values[3] }
        var commands: Int { values[4].split(separator: ",").count }
        func has(_ chapter: Int) -> Bool { values[5 + chapter].contains("1") }
    }

    private func dissect(_ pcap: String, _ directory: TemporaryDirectory) throws -> [Frame] {
        // Without the preferences of whoever runs the tests.
        let home = directory.file("home")
        mkdir(home, 0o700)
        let tshark = try #require(installed("tshark"))
        let words = ["-n", "-r", pcap, "-T", "fields", "-E", "separator=|"] + Frame.fields.flatMap { ["-e", $0] }
        let finished = try Program(
            tshark, words, environment: ["HOME": home, "XDG_CONFIG_HOME": home], in: directory, name: "tshark"
        ).finish(within: .seconds(120))
        try #require(finished.code == 0, "\(finished.error)")
        return try finished.output.split(separator: "\n").map { line in
            let values = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            try #require(values.count == Frame.fields.count, "\(line)")
            return Frame(values: values)
        }
    }

    @Test(.enabled(if: installed("tshark") != nil, "tshark is not installed: scripts/packages tshark"))
    func `tshark finds nothing wrong in what the engine sends in a lively session`() throws {
        let hub = try HubUnderTest.running(more: "maximum: 5")
        let recording = Recording()
        func player(_ name: String) throws -> TestPlayer {
            let player = try TestPlayer(name, port: hub.ports[0])
            recording.add(player)
            return player
        }
        var players = try ["Piano", "Organ", "Drums", "Ünïcødé 🎹"].map(player)
        // Its journals grow until the engine cuts them.
        players[3].givesFeedback = false
        try pumping(players, "everyone") { players.allSatisfy(\.isUp) }

        var random = SeededRandom(seed: 6295)
        for step in 0..<600 {
            let one = players[Int.random(in: 0..<4, using: &random)]
            one.play(music(&random), losing: Int.random(in: 0..<10, using: &random) == 0)
            if step % 20 == 0 { one.playRealTime([0xF8, 0xFA, 0xFC, 0xFE][step / 20 % 4]) }
            if step == 200 { one.playExclusive((0..<5000).map { UInt8($0 & 0x7F) }) }
            if step % 100 == 50 { one.playExclusive([0x7E, 0x7F, 9, 1]) }
            for player in players { player.pump() }
        }
        players.append(try player("Late"))
        try pumping(players, "the late one, and the long message") {
            players[4].isUp && !players[4].heard.isEmpty
                && players[..<4].contains { $0.exclusives.contains { $0.count == 5000 } }
        }
        let refused = try player("One too many")
        try pumping(players + [refused], "a refusal") { refused.refusals > 0 }
        let silent = recording.datagrams.count
        try pumping(players, "guard packets with journals") {
            recording.datagrams[silent...].count {
                $0.octets.count > 16 && $0.octets[0] == 0x80 && $0.octets[12] == 0x40
            } > 8
        }
        players[0].leave()
        try pumping(Array(players.dropFirst()), "a release") {
            players[1].heard.contains { if case .noteOff = $0 { true } else { false } }
        }
        #expect(try hub.command("stop").code == 0)
        try pumping(players, "the goodbyes") { players.dropFirst().allSatisfy { $0.ended == .bye } }

        let frames = try dissect(
            hub.directory.write("dissected.pcap", recording.pcap(extra: missingRoom)), hub.directory)
        #expect(frames.count == recording.datagrams.count && frames.count > 1500)
        for (frame, datagram) in zip(frames, recording.datagrams) where !frame.complaint.isEmpty {
            Issue.record("\(frame.complaint): \(hex(datagram.octets))")
        }
        let session = "raw:ip:udp:applemidi"
        #expect(Set(frames.map(\.proto)) == [session, session + ":rtp:rtpmidi"])
        // So that none of the checks above passes for lack of packets: every kind of packet, chapter and command occurred.
        #expect(Set(frames.map(\.command)).isSuperset(of: ["0x4f4b", "0x4e4f", "0x434b", "0x5253", "0x4259"]))
        for (index, chapter) in Frame.chapters.enumerated() {
            #expect(frames.count { $0.has(index) } > 20, "chapter \(chapter)")
        }
        #expect(frames.reduce(0) { $0 + $1.commands } == players.reduce(0) { $0 + $1.heard.count - $1.repairs })
    }

    /// Wireshark (packet-rtp-midi.c, `decode_cj_chapter_n`, 4.0 for one) takes OFFBITS for as many octets as the chapter has
    /// logs when it marks them, and calls a packet malformed that ends before. So many octets are given to it there.
    private func missingRoom(_ packet: [UInt8]) -> Int {
        let octets = packet.span.bytes
        guard !SessionPacket.isSession(octets), let header = try? RTPHeader(decoding: octets),
            let section = try? CommandSection(decoding: octets, in: header.payload), let range = section.journal,
            let journal = try? Journal(decoding: octets, in: range, of: header.sequence)
        else { return 0 }
        var missing = 0
        var offset = journal.channels
        for _ in 0..<journal.channelCount {
            guard let channel = try? ChannelJournal(decoding: octets, at: offset, end: journal.end) else { break }
            offset = channel.end
            if let notes = channel.notes, notes.end > notes.offBits {
                missing = max(missing, notes.offBits + notes.count - packet.count)
            }
        }
        return missing
    }

    /// One to four messages of every kind, most of them notes.
    private func music(_ random: inout SeededRandom) -> [Message] {
        func byte(_ range: ClosedRange<UInt8> = 0...127) -> DataByte {
            DataByte(truncating: .random(in: range, using: &random))
        }
        let channel = Channel(truncating: .random(in: 0..<16, using: &random))
        func control(_ controller: DataByte, _ value: DataByte) -> Message {
            .controlChange(channel, controller: controller, value: value)
        }
        switch Int.random(in: 0..<16, using: &random) {
        case 0: return [control(0, byte()), control(32, byte()), .programChange(channel, program: byte())]
        case 1: return [.pitchBend(channel, Bend(truncating: .random(in: 0..<16384, using: &random)))]
        case 2: return [.channelPressure(channel, pressure: byte())]
        case 3: return [.polyPressure(channel, note: byte(36...60), pressure: byte())]
        case 4: return [control(64, byte()), control(1, byte()), control(11, byte())]
        case 5: return [control(101, 0), control(100, byte(0...2)), control(6, byte()), control(38, byte())]
        case 6: return [control(99, byte()), control(98, byte()), control(6, byte()), control(96, 0)]
        case 7: return [control(byte(120...127), 0)]
        case 8, 9, 10, 11: return (0..<3).map { _ in .noteOff(channel, note: byte(36...60), velocity: byte()) }
        default: return (0..<4).map { _ in .noteOn(channel, note: byte(36...60), velocity: byte()) }
        }
    }
}
