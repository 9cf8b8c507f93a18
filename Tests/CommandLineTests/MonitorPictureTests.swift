import CommandLine
import Foundation
import Hub
import RTPMIDI
import Testing

/// What `midihub monitor` draws.
struct MonitorPictureTests {
    private let now = ContinuousClock.now
    private let plain = Style(isColoured: false)

    private func message(_ event: String, _ data: String) -> EventStreamParser.Message {
        .init(event: event, data: Array(data.utf8))
    }
    private func person(_ id: Int, _ name: String, room: String = "Main", rtt: Double? = 12.34) -> String {
        let trip =
            rtt.map { #","rtt":{"last":\#($0),"average":1,"min":1,"max":9,"samples":1,"lastAt":5}"# } ?? ""
        let name = String(decoding: try! JSONEncoder().encode(name), as: UTF8.self)  // text
        return
            #"{"id":\#(id),"name":\#(name),"room":"\#(room)","port":5004,"engine":"embedded","since":1,"state":"present","sends":true,"receives":true\#(trip)}"#
    }
    private func picture(_ people: String...) -> MonitorPicture {
        var picture = MonitorPicture()
        picture.begin()
        picture.apply(message("participants", #"{"all":[\#(people.joined(separator: ","))]}"#), at: now)
        return picture
    }
    private func row(_ picture: MonitorPicture, _ name: String, width: Int = 100) -> String? {
        picture.lines(width: width, plain, at: now).first { $0.contains(name) }
    }

    @Test func `a participant's notes are named, with what it has set`() {
        var picture = picture(person(1, "Piano"), person(2, "Drums"))
        let sounds = #"""
            {"all":[{"participant":1,"notes":[{"channel":1,"note":60},{"channel":1,"note":66},{"channel":1,"note":0}],
            "controls":[{"channel":1,"what":"controller","number":64,"value":127},
            {"channel":1,"what":"controller","number":1,"value":64},{"channel":1,"what":"controller","number":20,"value":9},
            {"channel":1,"what":"controller","number":66,"value":0},{"channel":1,"what":"bend","value":-200},
            {"channel":1,"what":"program","value":5},{"channel":1,"what":"pressure","value":0}]},
            {"participant":2,"notes":[{"channel":10,"note":36}],"controls":[]}]}
            """#
        picture.apply(message("sounding", sounds), at: now)
        #expect(
            row(picture, "Piano") == "● " + "Piano".padding(toLength: 25, withPad: " ", startingAt: 0)
                + "  12.3 ms  C4 F#4 C-1, sustain, mod 64, CC20 9, bend -200, program 6")
        #expect(row(picture, "Drums")?.hasSuffix("10: C2") == true)
        picture.apply(message("sounding", #"{"changed":[],"removed":[1]}"#), at: now)
        #expect(row(picture, "Piano")?.hasPrefix("· ") == true)
    }

    @Test func `who comes, changes and goes is followed, and who has played is marked for a moment`() {
        var picture = picture(person(1, "Piano"))
        picture.apply(
            message(
                "participants",
                #"{"changed":[\#(person(3, "Bass", rtt: 50)),\#(person(1, "Piano", rtt: 70))],"removed":[]}"#), at: now)
        #expect(row(picture, "Bass")?.contains("50.0 ms") == true && row(picture, "Piano")?.contains("70.0 ms") == true)
        picture.apply(
            message("activity", #"{"changed":[{"participant":3,"notes":2},{"participant":99,"notes":1}]}"#), at: now)
        #expect(row(picture, "Bass")?.hasPrefix("● ") == true && row(picture, "Piano")?.hasPrefix("· ") == true)
        let next = picture.nextChange(after: now)
        #expect(next.map { $0 > now } == true)
        #expect(picture.lines(width: 80, plain, at: next!).contains { $0.hasPrefix("· Bass") })  // as just expected
        picture.apply(message("participants", #"{"changed":[],"removed":[3]}"#), at: now)
        #expect(row(picture, "Bass") == nil && picture.nextChange(after: now) == nil)
    }

    @Test(arguments: [1, 10, 20, 39, 50, 80, 300])
    func `no line is wider than the terminal, whatever the names`(width: Int) {
        var picture = picture(
            person(1, "日本語のとても長い名前ですよ太鼓"), person(2, "שלום עולם שלום עולם שלום"),
            person(3, String(repeating: "x", count: 200)),
            person(4, "\u{1B}[2J\u{7}\n", room: "Duets"))
        picture.apply(
            message(
                "sounding",
                #"{"all":[{"participant":1,"notes":[\#((0..<60).map { #"{"channel":1,"note":\#($0)}"# }.joined(separator: ","))],"controls":[]}]}"#
            ),
            at: now)
        for line in picture.lines(width: width, plain, at: now, footer: "q ends") {
            #expect(TextColumns.width(of: line) <= max(width, 18), "\(line)")
            #expect(!line.unicodeScalars.contains { $0.value < 32 })
        }
    }

    @Test(arguments: [1, 5, 8, 12, 40])
    func `more participants than rows are counted`(height: Int) {
        var picture = MonitorPicture()
        let all = (1...20).map { person($0, "P\($0)") }.joined(separator: ",")
        picture.apply(message("participants", #"{"all":[\#(all)]}"#), at: now)
        let lines = picture.lines(width: 60, height: height, plain, at: now, footer: "q ends")
        #expect(lines.count <= height)
        if height == 8 { #expect(lines.contains { $0.hasSuffix("more") }) }
        if height == 40 { #expect(lines.count(where: { $0.hasPrefix("· P") }) == 20) }
    }

    @Test func `a lost hub is said, with the time, and forgotten when it is back`() {
        var picture = picture(person(1, "Piano"))
        picture.lose("nobody answers there", at: now)
        picture.lose("no answer in time", at: now + .seconds(3))
        let lines = picture.lines(width: 80, plain, at: now + .seconds(12))
        #expect(lines.contains("The hub is lost (no answer in time), last seen 12 s ago."))
        picture.begin()
        #expect(!picture.lines(width: 80, plain, at: now).contains { $0.contains("lost") })
    }

    @Test func `what somebody should look at though all is well is said`() {
        var picture = picture(person(1, "Piano"))
        let health = #"{"ok":true,"sentence":"Ready.","problems":[{"what":"A"}],"notices":["B\u001b[2J"]}"#
        let status =
            #"{"name":"Hub","version":"1","pid":1,"startedAt":1,"health":\#(health),"addresses":[],"engines":[],"#
            + #""counts":{"participants":1,"wires":0,"rooms":1},"store":{"state":"recording","lost":0}}"#
        picture.apply(message("status", #"{"all":\#(status)}"#), at: now)
        let lines = picture.lines(width: 80, plain, at: now)
        #expect(lines.contains("Ready.") && lines.contains("! A"))
        #expect(lines.contains { $0.hasPrefix("! B") && !$0.contains("\u{1B}") }, "\(lines)")
        #expect(picture.remarks == ["A", "B\u{1B}[2J"])
        #expect(!picture.lines(width: 80, height: 8, plain, at: now).contains { $0.hasPrefix("! ") })
    }

    @Test func `what is not understood is passed over`() {
        var picture = picture(person(1, "Piano"))
        for (event, data) in [("participants", "{"), ("status", "[]"), ("sounding", #"{"all":7}"#), ("news", "{}")] {
            picture.apply(message(event, data), at: now)
        }
        #expect(row(picture, "Piano") != nil)
    }

    @Test func `messages come in any pieces`() {
        let bytes = Array(": beat\n\nevent: a\ndata: one\n\nretry: 5\nid: 4\n\nevent:b\ndata:{\ndata:}\n\n".utf8)
        for size in 1...bytes.count {
            var parser = EventStreamParser()
            var messages: [EventStreamParser.Message] = []
            var start = 0
            while start < bytes.count {
                parser.receive(bytes[start..<min(start + size, bytes.count)]) { messages.append($0) }
                start += size
            }
            #expect(messages == [message("a", "one"), message("b", "{}")])
        }
    }
}
