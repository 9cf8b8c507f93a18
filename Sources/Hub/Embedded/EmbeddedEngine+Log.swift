import EngineProtocol
import Foundation
import Store

/// The engine's log: JSON lines that carry their own time, so that one read after an outage is as good as a live one.
extension EmbeddedEngine {
    /// Whole lines only. Gives how many bytes they are.
    func consume(_ bytes: UnsafeRawBufferPointer, at offset: Int64) -> Int {
        var used = 0
        while let end = bytes[used...].firstIndex(of: UInt8(ascii: "\n")) {
            if end > used { read(line: bytes[used..<end]) }
            used = end + 1
        }
        if used > 0 { process.showLife() }
        return used
    }

    private func read(line: Slice<UnsafeRawBufferPointer>) {
        guard let line = try? JSONDecoder().decode(EngineLine.self, from: Data(line)), line.v == 1 else {
            unknownLines += 1
            return
        }
        let at = Timestamp(milliseconds: line.at)
        switch line.event {
        case .started: version = line.version ?? version
        case .listening: if let number = line.port { port(number, problem: nil) }
        case .cannotListen: if let number = line.port { port(number, problem: line.reason ?? "it cannot be opened") }
        case .joined: if let reported = line.participant { joined(reported) }
        case .left:
            if let reported = line.participant {
                left(reported, line.leaving ?? .bye, released: line.released ?? 0, at: at)
            }
        case .latency: if let reported = line.participant { measured(reported, at: at) }
        case .losses: if let reported = line.participant { attendee(reported).update(reported, at: at) }
        case .silent, .back:
            if let reported = line.participant { heard(reported, released: line.released ?? 0, at: at) }
        case .refused:
            let times = (line.times ?? 1) > 1 ? ", \(line.times ?? 1) times" : ""
            context.note(
                .refused, severity: .warning, at: TimeRange(at), engine: name, participant: line.name,
                address: line.address,
                "\(line.name ?? "Somebody") was not let in on port \(line.port ?? 0): \(line.reason ?? "refused")\(times)"
            )
        case .halfOpen:
            guard let who = line.name, let number = line.port, let missing = line.missing else { break }
            let one = HalfOpen(name: who, port: number, missing: missing, at: at)
            halfOpens.add(one)
            context.note(
                .halfOpen, severity: .warning, at: TimeRange(at), engine: name, participant: who,
                address: line.address,
                one.text)
            context.changed()
        case .loop:
            guard let reported = line.participant else { break }
            let one = attendee(reported)
            one.reported.loops = true
            context.note(
                .loop, severity: .warning, at: TimeRange(at), visit: one.visit,
                "\(one.visit.name) sends back what it hears: a feedback loop. It is muted until that is lifted or it joins anew; on its computer, switch off MIDI thru, and of hubs that invite each other in a ring disconnect one"
            )
            context.changed()
        case .echoReturned: if let reported = line.participant { context.echoReturned(reported.room, reported.name) }
        case .touched: if let reported = line.participant { context.touched(reported.room, reported.name) }
        case .pair: if let pair = line.pair { told(pair, at: at) }
        case .triggered: if let reported = line.participant { context.triggered(reported.name, at) }
        case .learned:
            if let reported = line.participant, let note = line.note { context.learned(reported.name, note) }
        case .call: if let call = line.call { told(call, at: at) }
        case .problem:
            context.note(
                .engineTrouble, severity: .warning, at: TimeRange(at), engine: name,
                "\(name): \(line.reason ?? "trouble")"
            )
        case .ended: break
        }
    }
}
