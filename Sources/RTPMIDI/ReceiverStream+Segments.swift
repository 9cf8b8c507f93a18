/// Segments of system exclusive messages that wait for those before them.
extension ReceiverStream {
    /// When to look whether a missing packet is to be given up; nil: none is waited for.
    package var segmentsDue: UInt64? { order.missing.map { _ in order.since + SegmentOrder.timeout } }

    /// Gives up a packet that has been missing for too long, and passes on what it has held up.
    package func giveUpSegments(at now: UInt64, emit: (Emission, RawSpan) -> Void) {
        if let due = segmentsDue, due <= now { giveUp(at: now, emit) }
    }
    func giveUpAllSegments(at now: UInt64, _ emit: (Emission, RawSpan) -> Void) {
        while order.missing != nil { giveUp(at: now, emit) }
    }
    private func giveUp(at now: UInt64, _ emit: (Emission, RawSpan) -> Void) {
        if sysExIsOpen {
            sysExIsOpen = false
            emit(.sysExLost, RawSpan())
        }
        playWaiting(at: now, emit)
    }
    func forgetSegments() {
        while true {
            switch order.step(at: 0) {
            case .packet(let slot): if let slot { waiting.release(slot) }
            case .gap: break
            case .end: return
            }
        }
    }

    /// A packet that is missing, or comes after one that is.
    func deferOrPlay(
        _ number: UInt32, _ packet: RawSpan, _ section: CommandSection, _ header: RTPHeader, _ firstPart: SysExPart?,
        _ now: UInt64, _ emit: (Emission, RawSpan) -> Void
    ) {
        if number == order.missing {
            if firstPart != nil { play(packet, section, header, .segments, now, emit) }
            return playWaiting(at: now, emit)
        }
        let slot = firstPart == nil ? nil : waiting.store(packet)
        if firstPart != nil, slot == nil {
            // No room: it goes on without what is missing.
            giveUpAllSegments(at: now, emit)
            return play(packet, section, header, .segments, now, emit)
        }
        order.add(number, at: slot)
    }

    /// What has come after the packet that was missing, up to the next one that is.
    private func playWaiting(at now: UInt64, _ emit: (Emission, RawSpan) -> Void) {
        while case .packet(let slot) = order.step(at: now) {
            guard let slot else { continue }
            waiting.read(slot) { packet in
                // It was read once already, when it came.
                guard let header = try? RTPHeader(decoding: packet),
                    let section = try? CommandSection(decoding: packet, in: header.payload)
                else { return }
                play(packet, section, header, .segments, now, emit)
            }
            waiting.release(slot)
        }
    }
}
