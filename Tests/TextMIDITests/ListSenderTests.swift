import TestSupport
import Testing
import TextMIDI

struct ListSenderTests {
    private static let note: [UInt8] = [144, 100, 100]

    @Test func `a client is sent nothing but three numbers, or one, in brackets`() {
        var sender = ListSender()
        for status in UInt8.min...UInt8.max {
            for data in 0...3 { sender.put([status] + [UInt8](repeating: 5, count: data), at: 0) }
        }
        sender.put([240, 5, 247], at: 0)
        sender.put([], at: 0)
        var text: [UInt8] = []
        for time in 0..<300 { text += sender.take(at: Double(time), underway: 0) }
        let lists = String(decoding: text, as: UTF8.self).split(separator: "]").map { $0.dropFirst() }
        #expect(lists.count == 7 * 16 - 2 * 16 + 1 + 7)
        for list in lists {
            let numbers = list.split(separator: ", ").compactMap { UInt8($0) }
            #expect(numbers.map(String.init).joined(separator: ", ") == list && [1, 3].contains(numbers.count))
            #expect(numbers.count == 3 || numbers[0] >= 246)
        }
    }

    @Test func `what a client may find at a look of two milliseconds fits into its 1024 octets`() {
        var sender = ListSender()
        var random = SeededRandom(seed: 8141)
        var sent: [(at: Double, count: Int)] = []
        var (time, taken) = (0.0, 0)
        while taken < 50_000 {
            for _ in 0..<Int.random(in: 0..<100, using: &random) { sender.put(Self.note, at: 0) }
            let text = sender.take(at: time, underway: 0)
            #expect(text.last != UInt8(ascii: ",") && text.count % 15 == 0)
            sent.append((time, text.count))
            taken += text.count
            time += Double.random(in: 0...1, using: &random)
        }
        for (index, first) in sent.enumerated() {
            let look = sent[index...].prefix { $0.at - first.at <= 2 }.map(\.count).reduce(0, +)
            #expect(look <= 800)
        }
    }

    @Test func `no more is on its way than one look takes`() {
        var sender = ListSender()
        for _ in 0..<100 { sender.put(Self.note, at: 0) }
        #expect(sender.take(at: 0, underway: 895).isEmpty)
        #expect(sender.take(at: 100, underway: 880).count == 15)
        #expect(sender.take(at: 200, underway: 0).count == 600)
        #expect(sender.take(at: 200, underway: 0).isEmpty)
        #expect(sender.take(at: 201, underway: 600).count == 90)
    }

    @Test func `a clock that goes back is no trouble`() {
        var sender = ListSender()
        for _ in 0..<100 { sender.put(Self.note, at: 0) }
        #expect(sender.take(at: 1000, underway: 0).count == 600)
        #expect(sender.take(at: 0, underway: 0).isEmpty)
        #expect(sender.take(at: 10, underway: 0).count == 600)
    }

    @Test func `the end of a note, a pedal and a bend is said once more, unless that has begun again`() {
        var sender = ListSender()
        for message: [UInt8] in [
            [144, 60, 100], [128, 60, 64], [144, 61, 100], [144, 61, 0], [176, 64, 127], [176, 64, 0], [224, 5, 64],
            [224, 0, 64],
            [144, 62, 100], [128, 62, 64], [176, 7, 0],
        ] { sender.put(message, at: 0) }
        #expect(!sender.take(at: 0, underway: 0).isEmpty && sender.isEmpty)
        sender.put([144, 62, 100], at: 100)
        #expect(sender.take(at: 100, underway: 0) == ListSender.text([144, 62, 100]))
        #expect(sender.take(at: 399, underway: 0).isEmpty && sender.reminderDue == 400)
        let again = String(decoding: sender.take(at: 400, underway: 0), as: UTF8.self)
        #expect(again == "[128, 60, 64][144, 61, 0][176, 64, 0][224, 0, 64]")
        #expect(sender.take(at: 1000, underway: 0).isEmpty && sender.reminderDue == nil)
    }

    @Test func `a flood of values stays short and ends right, with each note in it`() {
        var queue = ThinningQueue()
        for index in 0..<20_000 {
            queue.append([176, UInt8(index % 4), UInt8(index / 4 % 128)])
            queue.append([224, 0, UInt8(index % 128)])
            if index % 10 == 0 { queue.append([144, UInt8(index / 10 % 128), 100]) }
        }
        #expect(queue.count < 2000 + 5000 + ThinningQueue.thinnedFrom + 10)
        var notes: [UInt8] = []
        var last: [UInt8: UInt8] = [:]
        while let message = queue.removeFirst() {
            if message[0] == 144 { notes.append(message[1]) }
            if message[0] == 176 { last[message[1]] = message[2] }
        }
        #expect(notes == (0..<2000).map { UInt8($0 % 128) })
        #expect(last[1] == UInt8(19_997 / 4 % 128) && queue.isEmpty && queue.octets == 0)
    }

    @Test func `pedals, banks, parameters, programs and clock are never thinned`() {
        let kept: [[UInt8]] = [
            [176, 64, 127], [176, 64, 0], [176, 0, 1], [176, 32, 2], [176, 101, 0], [176, 100, 0], [176, 6, 2],
            [192, 5], [248], [250],
        ]
        var queue = ThinningQueue()
        let all = (0..<40).flatMap { _ in kept }
        for message in all { queue.append(message) }
        #expect((0..<400).map { _ in queue.removeFirst() } == all)
    }

    @Test func `a value does not overtake what sets it back`() {
        var queue = ThinningQueue()
        for _ in 0..<ThinningQueue.thinnedFrom { queue.append(Self.note) }
        for message: [UInt8] in [[176, 1, 5], [176, 1, 6], [176, 121, 0], [176, 1, 7], [176, 1, 8]] {
            queue.append(message)
        }
        for _ in 0..<ThinningQueue.thinnedFrom { _ = queue.removeFirst() }
        #expect((0..<4).map { _ in queue.removeFirst() } == [[176, 1, 6], [176, 121, 0], [176, 1, 8], nil])
    }

    @Test func `a queue that is used for long keeps order and memory`() {
        var queue = ThinningQueue()
        var random = SeededRandom(seed: 3)
        var (put, got) = (0, 0)
        while got < 20_000 {
            for _ in 0..<Int.random(in: 0..<50, using: &random) {
                queue.append([144, UInt8(put % 128), UInt8(put / 128 % 128)])
                put += 1
            }
            for _ in 0..<Int.random(in: 0..<50, using: &random) {
                guard let message = queue.removeFirst() else { break }
                #expect(message == [144, UInt8(got % 128), UInt8(got / 128 % 128)])
                got += 1
            }
            #expect(queue.count == put - got && queue.octets == 3 * queue.count)
        }
    }
}
