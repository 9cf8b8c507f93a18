import MIDI
import RTPMIDI
import TestSupport
import Testing

struct ReceiverStreamTests {
    private let sender = SenderStream(
        ssrc: SSRC(0x5e6f_7081), next: SequenceNumber(0x1000), to: HearerAbility(journalLimit: 1000))
    private let receiver = ReceiverStream()

    /// What is heard when the first packet arrives, those between are lost, and an empty one follows.
    private func heard(after first: [String], losing lost: [[String]], at now: UInt64 = 0) throws -> [String] {
        try receiver.hear(packet(first, at: now), at: now)
        for messages in lost { _ = packet(messages, at: now) }
        return try receiver.hear(sender.packet(at: now), at: now).heard.map(\.midi)
    }
    private func packet(_ messages: [String], at now: UInt64 = 0) -> [UInt8] {
        var list = CommandList()
        for message in messages { list.add(message, at: UInt32(truncatingIfNeeded: now)) }
        return sender.packet(list, at: now)
    }

    @Test func `a lost program comes with its bank`() throws {
        #expect(try heard(after: ["c005"], losing: [["b00001", "b02002", "c006"]]) == ["b00001", "b02002", "c006"])
        #expect(try heard(after: [], losing: []) == [])
    }
    @Test func `a bank of high bits alone does not bring a program twice`() throws {
        #expect(try heard(after: ["b00001", "c006"], losing: [["903c64"], ["803c40"]]) == [])
    }
    @Test func `wheel and pressures are brought up to date`() throws {
        #expect(
            try heard(after: ["e00050", "d010", "a03c10"], losing: [["e00140"], ["d011"], ["a03c11"]])
                == ["e00140", "d011", "a03c11"])
    }
    @Test func `what was lost and taken back is not heard`() throws {
        #expect(try heard(after: ["b00740", "e00050"], losing: [["b00741", "e00051"], ["b00740", "e00050"]]) == [])
    }
    @Test func `a short note lost as a whole is not heard`() throws {
        #expect(try heard(after: ["b00740"], losing: [["903c64"], ["803c40"]]) == [])
    }
    @Test func `a note struck again while its end was lost sounds anew`() throws {
        #expect(try heard(after: ["903c64"], losing: [["803c40"], ["903c64"]]) == ["803c40", "903c64"])
    }
    @Test func `a held note is left alone by the loss of others`() throws {
        #expect(try heard(after: ["903c64"], losing: [["b00740"], ["b00741"]]) == ["b00741"])
    }
    @Test func `a note-on with velocity 0 is an end`() throws {
        #expect(try heard(after: ["903c64"], losing: [["903c00"]]) == ["803c40"])
    }
    @Test func `notes struck after all notes off are not ended by its repair`() throws {
        #expect(try heard(after: ["903c64"], losing: [["b07b00"], ["904050"]]) == ["b07b00", "904050"])
        #expect(receiver.silenced() == ["804040"])
    }
    @Test func `all notes off, twice, is repaired once`() throws {
        #expect(try heard(after: ["903c64"], losing: [["b07b00"], ["b07b00"]]) == ["b07b00"])
        #expect(try heard(after: ["903c64"], losing: [["b07b00"]]) == ["b07b00"])
    }
    @Test func `mono keeps its value`() throws {
        #expect(try heard(after: ["b07e01"], losing: [["b07e04"]]) == ["b07e04"])
        #expect(try heard(after: [], losing: [["b07e04"]]) == ["b07e04"])
    }
    @Test func `after reset all controllers a value is said again though it is the same as before`() throws {
        #expect(try heard(after: ["b00140"], losing: [["b07900"], ["b00140"]]) == ["b07900", "b00140"])
        #expect(try heard(after: ["b07900"], losing: [["b00140"]]) == ["b00140"])
    }
    @Test func `after reset all controllers an older value is not`() throws {
        #expect(try heard(after: ["b00140", "b00750", "b07900"], losing: [["903c64"], ["803c40"]]) == [])
    }

    @Test func `a parameter is repaired with its selection`() throws {
        #expect(
            try heard(after: ["b06500", "b06400", "b00602"], losing: [["b00603"], ["b02610"]]) == ["b00603", "b02610"])
        #expect(
            try heard(after: [], losing: [["b06500", "b06401", "b00640"]]) == ["b06500", "b06401", "b00640"])
        #expect(try heard(after: [], losing: [["b06000"], ["b06000"], ["b06100"]]) == ["b06000"])
        #expect(try heard(after: [], losing: [["b0657f"], ["b0647f"]]) == ["b0657f", "b0647f"])
    }
    @Test func `a selection half lost is finished rightly`() throws {
        #expect(try heard(after: ["b00740"], losing: [["b06500"]]) == ["b06500"])
        #expect(try heard(after: ["b06402"], losing: [["b00601"]]) == ["b00601"])
        let selected = try heard(after: ["b06300"], losing: [["b06208"], ["b00640"]])
        #expect(selected == ["b06300", "b06208", "b00640"])
    }
    @Test func `parameters that were not selected last are repaired, and the selection restored`() throws {
        #expect(
            try heard(
                after: ["b06500", "b06400", "b00602"],
                losing: [["b06401", "b00640"], ["b06400"]]
            ) == ["b06500", "b06401", "b00640", "b06500", "b06400"])
    }

    @Test func `the numbers of toggles are made up for`() throws {
        // Chapter C with one toggle log for the sustain pedal: 64, then A=1 T=0 and the count.
        func packet(_ number: UInt8, toggles: UInt8) -> [UInt8] {
            bytes(hex: "8061")! + [0x10, number] + bytes(hex: "000000005e6f7081")! + bytes(hex: "40201000000640")!
                + [0x00, 0x40, 0x80 | toggles]
        }
        #expect(try receiver.hear(packet(1, toggles: 1)).heard.map(\.midi) == ["b0407f"])
        #expect(try receiver.hear(packet(3, toggles: 2)).heard.map(\.midi) == ["b04000"])
        #expect(try receiver.hear(packet(5, toggles: 4)).heard.map(\.midi) == ["b0407f", "b04000"])
        #expect(try receiver.hear(packet(7, toggles: 4)).heard.map(\.midi) == [])
    }

    @Test func `a note that came too late is not struck, nor by the next journal`() throws {
        try receiver.hear(sender.packet("b00740", at: 10000), at: 10100)
        _ = sender.packet("903c64", at: 10100)
        let late = try receiver.hear(sender.packet(at: 10200), at: 11000)
        #expect(late.heard.isEmpty)
        _ = sender.packet("b00741", at: 10300)
        #expect(try receiver.hear(sender.packet(at: 10400), at: 10500).heard.map(\.midi) == ["b00741"])
        #expect(receiver.silenced() == [])
    }

    @Test func `what a first packet's journal counts is taken over`() throws {
        for _ in 0..<5 { _ = sender.packet("b07b00") }
        #expect(try receiver.hear(sender.packet("903c64")).heard.map(\.midi) == ["903c64"])
        _ = sender.packet("b00740")
        #expect(try receiver.hear(sender.packet()).heard.map(\.midi) == ["b00740"])
    }
    @Test func `counts that a late joiner could not know are learnt`() throws {
        for _ in 0..<5 { _ = sender.packet("b07b00") }
        sender.acknowledge(SequenceNumber(0x1004))
        try receiver.hear(sender.packet("903c64"))
        try receiver.hear(sender.packet("b07b00"))
        try receiver.hear(sender.packet("903c64"))
        _ = sender.packet("b00740")
        _ = sender.packet("b00741")
        #expect(try receiver.hear(sender.packet()).heard.map(\.midi) == ["b00741"])
    }

    @Test func `a speaker that begins anew is silenced and heard again`() throws {
        try receiver.hear(sender.packet("903c64", "b04040", "e00050"))
        let again = SenderStream(ssrc: SSRC(1), next: SequenceNumber(0x9000), to: HearerAbility(journalLimit: 1000))
        let first = try receiver.hear(again.packet("904064"))
        #expect(first.reception.verdict == .doubtful && first.heard.isEmpty)
        let second = try receiver.hear(again.packet("904264"))
        #expect(second.reception.verdict == .restarted)
        #expect(second.heard.map(\.midi) == ["803c40", "b04000", "e00040", "904264"])
        #expect(try receiver.hear(again.packet("804264")).reception.verdict == .played)
    }
    @Test func `a lower number with a newer timestamp is a new beginning`() throws {
        for number in UInt64(0)..<20 { try receiver.hear(packet(["903c64"], at: 1000 + 300 * number)) }
        let again = SenderStream(ssrc: SSRC(1), next: SequenceNumber(0x1001), to: HearerAbility(journalLimit: 1000))
        let (heard, reception) = try receiver.hear(again.packet("904064", at: 12_000))
        #expect(reception.verdict == .restarted && heard.map(\.midi) == ["803c40", "904064"])
        #expect(try receiver.hear(again.packet("804040", at: 12_100)).heard.map(\.midi) == ["804040"])
    }
    @Test func `so is a little newer one whose successor follows it`() throws {
        for number in UInt64(0)..<20 { try receiver.hear(packet(["903c64"], at: 1000 + 300 * number)) }
        let again = SenderStream(ssrc: SSRC(1), next: SequenceNumber(0x1001), to: HearerAbility(journalLimit: 1000))
        #expect(try receiver.hear(again.packet("904064", at: 7000)).reception.verdict == .doubtful)
        #expect(try receiver.hear(again.packet("804040", at: 7100)).reception.verdict == .restarted)
    }
    @Test func `one that was overtaken, or came twice, is not, nor one of a clock that jumps`() throws {
        let late = packet(["904064"], at: 990)
        for number in UInt64(0)..<20 { try receiver.hear(packet(["903c64"], at: 1000 + 300 * number)) }
        #expect(try receiver.hear(late, at: 6800).reception.verdict == .late)
        let again = SenderStream(ssrc: SSRC(1), next: SequenceNumber(0x1001), to: HearerAbility(journalLimit: 1000))
        #expect(try receiver.hear(again.packet("904064", at: 900_000), at: 6900).reception.verdict == .late)
        #expect(try receiver.hear(packet(["803c40"], at: 7000)).reception.verdict == .played)
    }

    @Test(arguments: [100, 700, 3000, 9000])
    func `timestamps that are always 0 make nothing late`(interval: UInt64) throws {
        for number in UInt64(1)...40 {
            try receiver.hear(packet(["b00740"]), at: number * interval)
            if number % 4 == 0 {
                let note = hex([UInt8(number)])
                _ = packet(["90\(note)64"])
                #expect(try receiver.hear(packet([]), at: number * interval + 50).heard.map(\.midi) == ["90\(note)64"])
            }
        }
    }

    @Test func `an end that was overtaken counts where no journal has told it`() throws {
        let plain = SenderStream(ssrc: SSRC(1), next: SequenceNumber(0), to: HearerAbility(journalLimit: 0))
        try receiver.hear(plain.packet("903c64", "904064"))
        let (off, other) = (plain.packet("803c40", "804040"), plain.packet("904064", "904364"))
        try receiver.hear(other)
        #expect(receiver.mayHaveLeftNotes)
        let (heard, reception) = try receiver.hear(off)
        // The other was struck again since.
        #expect(heard.map(\.midi) == ["803c40"] && reception.verdict == .late)
        #expect(!receiver.mayHaveLeftNotes)
    }

    @Test func `a loss of which no journal tells may have left what sounded before it, until that ends`() throws {
        let plain = SenderStream(ssrc: SSRC(1), next: SequenceNumber(0), to: HearerAbility(journalLimit: 0))
        try receiver.hear(plain.packet("903c64", "904064"))
        #expect(!receiver.mayHaveLeftNotes)
        _ = plain.packet("803c40")
        #expect(try receiver.hear(plain.packet("904364")).heard.map(\.midi) == ["904364"])
        #expect(receiver.mayHaveLeftNotes)
        try receiver.hear(plain.packet("804040"))
        #expect(receiver.mayHaveLeftNotes)
        // Struck again after the loss, so its end cannot have been among what was lost.
        try receiver.hear(plain.packet("903c64"))
        #expect(!receiver.mayHaveLeftNotes)
    }
    @Test func `what was only overtaken leaves nothing, nor does what comes twice tell otherwise`() throws {
        let plain = SenderStream(ssrc: SSRC(1), next: SequenceNumber(0), to: HearerAbility(journalLimit: 0))
        let first = plain.packet("903c64")
        try receiver.hear(first)
        let late = [plain.packet("b00740"), plain.packet("b00741")]
        try receiver.hear(plain.packet("904364"))
        try receiver.hear(late[1])
        try receiver.hear(late[1])
        try receiver.hear(first)
        #expect(receiver.mayHaveLeftNotes)
        try receiver.hear(late[0])
        #expect(!receiver.mayHaveLeftNotes)
    }
    @Test func `a loss of which the journal tells leaves nothing`() throws {
        try receiver.hear(packet(["903c64"]))
        _ = packet(["b00740"])
        try receiver.hear(packet(["b00741"]))
        #expect(!receiver.mayHaveLeftNotes)
    }

    @Test func `one stray packet is no new beginning`() throws {
        try receiver.hear(sender.packet("903c64"))
        let stray = SenderStream(ssrc: SSRC(1), next: SequenceNumber(0x9000), to: HearerAbility(journalLimit: 1000))
        #expect(try receiver.hear(stray.packet("904064")).reception.verdict == .doubtful)
        #expect(try receiver.hear(sender.packet("803c40")).reception.verdict == .played)
    }

    @Test func `a broken packet counts as lost`() throws {
        try receiver.hear(sender.packet("903c64"))
        var broken = sender.packet("803c40")
        broken[15] = 0xC0
        #expect(throws: PacketError.self) { try receiver.hear(broken) }
        let (heard, reception) = try receiver.hear(sender.packet())
        #expect(heard.map(\.midi) == ["803c40"] && reception.lost == 1 && reception.repaired == 1)
    }

    @Test func `sustain and notes are ended where no journal tells, as told to`() throws {
        for (policy, wanted) in [
            (ReceiverStream.UncoveredLoss.silence, ["803c40", "b04000"]), (.silenceIfJournalled, []), (.keep, []),
        ] {
            let plain = SenderStream(ssrc: SSRC(1), next: SequenceNumber(0), to: HearerAbility(journalLimit: 0))
            let receiver = ReceiverStream()
            receiver.onUncoveredLoss = policy
            try receiver.hear(plain.packet("903c64", "b0407f"))
            _ = plain.packet("904064")
            #expect(try receiver.hear(plain.packet()).heard.map(\.midi) == wanted)
        }
    }

    @Test func `feedback is told at once, then once a second, and soon after a repair`() throws {
        #expect(receiver.nextFeedback(at: 0) == nil && receiver.feedbackDue == nil)
        try receiver.hear(sender.packet("903c64"), at: 100)
        #expect(receiver.nextFeedback(at: 100) == SequenceNumber(0x1000))
        try receiver.hear(sender.packet("803c40"), at: 200)
        #expect(receiver.nextFeedback(at: 5000) == nil && receiver.feedbackDue == 10100)
        #expect(receiver.nextFeedback(at: 10100) == SequenceNumber(0x1001))
        #expect(receiver.nextFeedback(at: 30000) == nil)
        _ = sender.packet("903c64")
        try receiver.hear(sender.packet("803c40"), at: 30000)
        #expect(receiver.nextFeedback(at: 30000) == SequenceNumber(0x1003))
    }

    @Test func `after our own restart the stream goes on`() throws {
        try receiver.hear(sender.packet("903c64"))
        let resumed = ReceiverStream(resumingAfter: SequenceNumber(0x1000))
        resumed.assume(.noteOn(Channel(truncating: 0), note: 60, velocity: 100))
        _ = sender.packet("803c40")
        _ = sender.packet("b07b00")
        let (heard, reception) = try resumed.hear(sender.packet("904064"))
        #expect(reception.verdict == .played && reception.lost == 2)
        #expect(heard.map(\.midi) == ["b07b00", "904064"])
    }

    @Test func `segments are passed on, with what becomes of them`() throws {
        func segment(_ part: SysExPart, _ data: [UInt8]) -> [UInt8] {
            var list = CommandList()
            list.add(part, data, at: 0)
            return sender.packet(list)
        }
        #expect(try receiver.hear(segment(.last, [9])).heard.isEmpty)
        #expect(try receiver.hear(segment(.first, [1])).heard.map(\.midi) == ["first:01"])
        #expect(try receiver.hear(segment(.middle, [2])).heard.map(\.midi) == ["middle:02"])
        _ = segment(.middle, [3])
        #expect(try receiver.hear(segment(.middle, [4])).heard.isEmpty)
        // After the time for which the missing one is waited for.
        #expect(try receiver.hear(segment(.last, [5]), at: 1000).heard.map(\.midi) == ["lost"])
        #expect(try receiver.hear(segment(.first, [1])).heard.map(\.midi) == ["first:01"])
        #expect(try receiver.hear(segment(.first, [2])).heard.map(\.midi) == ["lost", "first:02"])
        #expect(try receiver.hear(segment(.cancel, [])).heard.map(\.midi) == ["cancel:"])
        #expect(try receiver.hear(segment(.whole, [7])).heard.map(\.midi) == ["whole:07"])
        #expect(try receiver.hear(segment(.first, [8])).heard.map(\.midi) == ["first:08"])
        #expect(receiver.silenced() == ["lost"])
    }
}
