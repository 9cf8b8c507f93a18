import HubLink
import MIDI
import RTPMIDI

/// Events get their numbers, and are kept for those who hear by link and for the partner.
extension EngineLoop {
    /// Keeps an event for those who hear it by link: by its number, or, of one who does not number, by the next one of ours.
    func keep(
        _ emission: Emission, of packet: RawSpan, _ start: UInt32, _ number: EventNumber?, from member: Member
    ) {
        let record = member.endpoint.record
        if member.numbered != nil {
            guard let number else { return }
            record.pointee.number = number.rawValue
            isToBeSent(number, of: member)
            return
        }
        // Of two hubs each has a session with a clock of its own: what they number goes by one clock all the same.
        func clock(_ time: UInt32) -> UInt32 {
            pair == nil ? time : self.time(time, start) &+ member.clockShift
        }
        switch emission {
        case .message(let message, let time, _):
            append(to: member) { $0.put($1, time: clock(time), ChannelCommand(message), at: now) }
        case .system(let message, let time):
            guard message.isForOthers else { return }
            append(to: member) { $0.put($1, time: clock(time), message, at: now) }
        case .sysEx(let part, let octets, let time):
            keep(part, octets, clock(time), of: packet, from: member)
        case .sysExLost:
            append(to: member) { window, number in
                let cancel: [2 of UInt8] = [0xF7, 0xF4]
                cancel.span.withUnsafeBytes { window.put(number, time: 0, $0, at: now) }
            }
        }
    }

    private func append(to member: Member, _ put: (EventWindow, EventNumber) -> Void) {
        let record = member.endpoint.record
        record.pointee.number &+= 1
        guard let log = member.log else { return }
        let number = EventNumber(record.pointee.number)
        put(log, number)
        isToBeSent(number, of: member)
    }

    private func isToBeSent(_ number: EventNumber, of member: Member) {
        if member.unsent == nil { member.unsent = number }
        if member.untold == nil { member.untold = number }
    }

    /// A part of a system exclusive message in pieces that events may have.
    private func keep(
        _ part: SysExPart, _ octets: Range<Int>, _ time: UInt32, of packet: RawSpan, from member: Member
    ) {
        let size = EventWindow.longestEvent - 2
        var start = octets.lowerBound
        repeat {
            let end = min(octets.upperBound, start + size)
            let (isFirst, isLast) = (start == octets.lowerBound, end == octets.upperBound)
            let head: UInt8 = isFirst ? part.framing.head : 0xF7
            let tail: UInt8 = isLast ? part.framing.tail : 0xF0
            append(to: member) { window, number in
                withUnsafeTemporaryAllocation(of: UInt8.self, capacity: end - start + 2) { piece in
                    piece[0] = head
                    for index in start..<end { piece[1 + index - start] = packet.uint8(at: index) }
                    piece[end - start + 1] = tail
                    window.put(number, time: time, UnsafeRawBufferPointer(piece), at: now)
                }
            }
            start = end
        } while start < octets.upperBound
    }
}
