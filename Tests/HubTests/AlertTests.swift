import Foundation
import Hub
import Testing

/// What is told of an occurrence, and how often.
struct AlertTests {
    private func reading(_ isBad: Bool, id: String = "round-trip:1", value: Double = 120) -> AlertWatch.Reading {
        var alert = Alert(.roundTrip, id: id, at: 0)
        (alert.participant, alert.value, alert.limit) = ("Piano", value, 100)
        return .init(alert, text: "the round trip is long", over: "it is short", isBad: isBad, patience: 30_000)
    }
    private func look(_ watch: inout AlertWatch, _ readings: [AlertWatch.Reading], at second: Int64) -> [Alert] {
        watch.look(readings, isSettled: true, hub: "Hub", now: second * 1000)
    }

    @Test func `a figure is told once when it has been bad for long enough, and once when it is well again`() {
        var watch = AlertWatch()
        #expect(look(&watch, [reading(true)], at: 0).isEmpty)
        #expect(look(&watch, [reading(true)], at: 29).isEmpty)
        let first = look(&watch, [reading(true)], at: 30)
        #expect(first.map(\.text) == ["Hub: the round trip is long"] && first[0].state == .firing)
        #expect(look(&watch, [reading(true)], at: 90).isEmpty)
        #expect(look(&watch, [reading(false, value: 20)], at: 100).isEmpty)
        #expect(look(&watch, [reading(true)], at: 110).isEmpty, "it was well for a moment only")
        #expect(look(&watch, [reading(false)], at: 120).isEmpty)
        let last = look(&watch, [reading(false, value: 20)], at: 150)
        #expect(last.map(\.text) == ["Hub: resolved: it is short"] && last[0].id == first[0].id)
        #expect(last[0].state == .resolved && last[0].value == 20)
        #expect(watch.told.isEmpty)
    }

    @Test func `a moment of it is nothing to tell`() {
        var watch = AlertWatch()
        for second in Int64(0)..<100 {
            #expect(look(&watch, [reading(second % 20 != 0)], at: second).isEmpty)
        }
    }

    @Test func `the next hub does not tell it again, and waits until it knows who is there`() throws {
        var watch = AlertWatch()
        _ = look(&watch, [reading(true)], at: 0)
        #expect(look(&watch, [reading(true)], at: 30).count == 1)
        var next = try JSONDecoder().decode(AlertWatch.self, from: JSONEncoder().encode(watch))
        #expect(next.look([], isSettled: false, hub: "Hub", now: 99_000).isEmpty)
        #expect(look(&next, [reading(true)], at: 130).isEmpty)
        #expect(look(&next, [], at: 140).isEmpty)
        #expect(look(&next, [], at: 170).map(\.text) == ["Hub: resolved: Piano is not there any more"])
    }

    @Test func `who was lost is back when one of that name has come since`() {
        var watch = AlertWatch()
        let lost = watch.lose("Piano", room: "Main", joined: 500, text: "Piano was lost", hub: "Hub", now: 1000)
        #expect(lost?.text == "Hub: Piano was lost" && lost?.room == "Main")
        #expect(watch.lose("Piano", room: "Main", joined: 500, text: "again", hub: "Hub", now: 2000) == nil)
        #expect(watch.see([("Piano", "Duets", 3000), ("Piano", "Main", 400)], hub: "Hub", now: 3000).isEmpty)
        #expect(look(&watch, [], at: 5000).isEmpty, "nobody looks for it in the figures")
        #expect(watch.see([("Piano", "Main", 600)], hub: "Hub", now: 4000).map(\.state) == [.resolved])
        #expect(watch.see([("Piano", "Main", 600)], hub: "Hub", now: 5000).isEmpty)
    }

    @Test func `names are no markup and call nobody where they are sent, and are themselves here`() {
        var alert = Alert(.participantLost, id: "x", at: 0)
        alert.say("<!channel> @everyone & \u{1B}[2J left", hub: "Hub")
        #expect(alert.message.text == "Hub: &lt;!channel&gt; @\u{200B}everyone &amp; \\u{1b}[2J left")
        #expect(alert.text == "Hub: <!channel> @everyone & \u{1B}[2J left")
    }

    @Test func `a message that is not taken waits, longer each time, and those behind it keep their order`() {
        var queue = AlertQueue()
        for id in ["a", "b"] { _ = queue.add(Alert(.disk, id: id, at: 0)) }
        var now: Int64 = 0
        var waits: [Int64] = []
        for _ in 0..<12 {
            let (first, second) = (queue.next(now: now), queue.next(now: now))
            #expect(first?.id == "a" && second == nil, "one at a time")
            let isGivenUp = queue.failed(now: now)
            #expect(!isGivenUp)
            let before = now
            while queue.next(now: now) == nil { now += 1000 }
            waits.append((now - before) / 1000)
            queue = copy(queue)
        }
        #expect(waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600])
        queue.delivered()
        let next = queue.next(now: now)
        #expect(next?.id == "b", "at once")
        let isGivenUp = queue.failed(now: 86_400_001)
        #expect(isGivenUp && queue.count == 0)
    }

    /// The queue as the next hub reads it, where nothing is under way.
    private func copy(_ queue: AlertQueue) -> AlertQueue {
        let data = try! JSONEncoder().encode(queue)  // numbers and text
        return try! JSONDecoder().decode(AlertQueue.self, from: data)
    }

    @Test func `only so many wait, and the one under way stays`() {
        var queue = AlertQueue()
        _ = queue.add(Alert(.disk, id: "first", at: 0))
        let first = queue.next(now: 0)
        #expect(first?.id == "first")
        for number in 1..<AlertQueue.most { _ = queue.add(Alert(.disk, id: "\(number)", at: 0)) }
        let hadRoom = queue.add(Alert(.disk, id: "last", at: 0))
        #expect(!hadRoom && queue.count == AlertQueue.most)
        queue.delivered()
        let next = queue.next(now: 0)
        #expect(next?.id == "2", "the oldest that waited has gone")
    }

    @Test func `engines, figures and the disk are read from what the hub shows`() throws {
        var settings = AlertSettings(url: "http://127.0.0.1/")
        (settings.rtt, settings.loss, settings.disk) = (50, 1, 90)
        let people = """
            [{"id": 1, "name": "Far", "room": "Main", "port": 5004, "engine": "embedded", "since": 1, "state": "present",
            "sends": true, "receives": true, "loss": 0.05, "received": 100,
            "rtt": {"last": 80.04, "average": 1, "min": 1, "max": 9, "samples": 1, "lastAt": 5}},
            {"id": 2, "name": "New", "room": "Main", "port": 5004, "engine": "embedded", "since": 1, "state": "present",
            "sends": true, "receives": true}]
            """
        func engine(_ state: String, _ port: Int) -> String {
            #"{"name": "embedded", "kind": "embedded", "state": "\#(state)", "port": \#(port), "room": "R\#(port)", "since": 1, "restarts": 0, "adopted": false, "unknownLines": 0, "disbelievedLines": 0, "reason": "taken"}"#
        }
        var snapshot = SnapshotStore().snapshot
        snapshot.participants = try JSONDecoder().decode([Snapshot.Participant].self, from: Data(people.utf8))
        func engines(_ states: String...) throws -> [AlertWatch.Reading] {
            let json =
                "[" + states.enumerated().map { engine($0.element, 5004 + 2 * $0.offset) }.joined(separator: ",") + "]"
            snapshot.engines = try JSONDecoder().decode([Snapshot.Engine].self, from: Data(json.utf8))
            return AlertWatch.readings(snapshot, diskUsed: 95.55, settings, now: 7)
        }
        let readings = try engines("up", "failed")
        #expect(readings.map(\.alert.id) == ["engine-down:embedded", "round-trip:1", "loss:1", "disk"])
        #expect(readings.map(\.isBad) == [true, true, true, true])
        #expect(readings[0].text == "Port 5006 is not served: engine embedded failed: taken")
        #expect(readings[1].text == "the round trip of Far in room Main is 80.0 ms, over 50.0 ms for 30 s")
        #expect(readings[2].alert.value == 5 && readings[3].alert.value == 95.6)
        let well = try engines("up", "up")
        #expect(well.first?.isBad == false)
        let starting = try engines("starting", "up")
        #expect(starting.first?.alert.alert == .roundTrip, "one that starts is neither")
        (settings.rtt, settings.loss, settings.disk) = (0, 0, 0)
        #expect(AlertWatch.readings(snapshot, diskUsed: 99, settings, now: 7).isEmpty, "0 is never")
    }
}
