import EngineProtocol
import Linux
import MIDI
import RTPMIDI

/// What is sent at leisure, a small packet every few milliseconds, because small peers cannot take bursts: the room's
/// state for a late joiner, and system exclusive messages. Live messages never wait for it: when one comes, the rest is
/// sent before it at once.
extension EngineLoop {
    // MARK: System exclusive messages that come in

    /// A part of a message. Whole short ones go on at once; the others are stored until they are complete.
    func gather(_ part: SysExPart, _ octets: UnsafeRawBufferPointer, _ time: UInt32, from endpoint: Endpoint) {
        if part.isBeginning {
            if let open = endpoint.gathering.take() { pool.release(open.buffer) }
            if part.isEnd, octets.count <= Pacing.pieceSize {
                // Among the live messages, in their order.
                own.removeAll()
                _ = list.append(sysEx: .whole, octets, at: time)
                _ = systemList.append(sysEx: .whole, octets, at: time)
                listIsRealTime = false
                if let member = endpoint.member { forward(from: member) }
                return
            }
            guard let buffer = pool.claim() else { return }
            endpoint.gathering = (buffer, now)
            wake(endpoint, by: now + Self.second / 2)
        }
        guard let gathering = endpoint.gathering else { return }
        guard part != .cancel, pool.append(octets, to: gathering.buffer) else {
            pool.release(gathering.buffer)
            endpoint.gathering = nil
            return
        }
        endpoint.gathering?.at = now
        guard part.isEnd else { return }
        endpoint.gathering = nil
        defer { pool.release(gathering.buffer) }
        let pieces = (pool.bytes(gathering.buffer).count + Pacing.pieceSize - 1) / Pacing.pieceSize
        let hearers = endpoint.member?.outgoing ?? []
        guard endpoint.allowance.admitsExclusive(pieces * hearers.count, at: milliseconds, deliveryCost) else {
            endpoint.counts.limited += 1
            return
        }
        for hearer in hearers.lazy.map(\.to.endpoint)
        where hearer.link == nil && !hearer.isMuted && hearer.exclusives.count < SysExPool.count {
            pool.retain(gathering.buffer)
            hearer.exclusives.append(gathering.buffer)
            if hearer.streams.pacing.due == nil { sendPiece(to: hearer) }
        }
    }

    /// Half a second without another part: it will not be completed, and has blocked nobody.
    func giveUp(_ endpoint: Endpoint) {
        guard let gathering = endpoint.gathering.take() else { return }
        pool.release(gathering.buffer)
    }

    // MARK: What goes out

    /// Sends the next piece, and plans the one after it.
    func sendPiece(to endpoint: Endpoint) {
        let goesOn = sendPiece(to: endpoint, size: Pacing.pieceSize)
        endpoint.streams.pacing.due = goesOn ? now + Pacing.interval : nil
        if goesOn { wake(endpoint, by: now + Pacing.interval) }
    }

    /// What waits to be sent at leisure is not sent any more.
    func dropPaced(_ endpoint: Endpoint) {
        endpoint.streams.pacing = Pacing()
        (endpoint.backlog, endpoint.backlogSent) = ([], 0)
        for buffer in endpoint.exclusives { pool.release(buffer) }
        endpoint.exclusives = []
    }

    /// Sends all that is left at once.
    func flushPaced(_ endpoint: Endpoint) {
        endpoint.streams.pacing.due = nil
        while sendPiece(to: endpoint, size: Pacing.hurriedPieceSize) {}
    }

    /// False when that was the last.
    private func sendPiece(to endpoint: Endpoint, size: Int) -> Bool {
        own.removeAll()
        let time = UInt32(truncatingIfNeeded: now)
        if endpoint.backlogSent < endpoint.backlog.count {
            let some = endpoint.backlog[endpoint.backlogSent...].prefix(Self.chunk)
            endpoint.backlogSent = min(endpoint.backlog.count, endpoint.backlogSent + Self.chunk)
            if let link = endpoint.link {
                sendOwn(some, to: endpoint, link)
            } else {
                for message in some { _ = own.append(message, at: time) }
                sendOwn(to: endpoint)
            }
            if endpoint.backlogSent == endpoint.backlog.count { (endpoint.backlog, endpoint.backlogSent) = ([], 0) }
        } else if let buffer = endpoint.exclusives.first {
            let message = pool.bytes(buffer)
            let (part, octets) = endpoint.streams.pacing.nextPiece(of: message.count, atMost: size)
            _ = own.append(sysEx: part, UnsafeRawBufferPointer(rebasing: message[octets]), at: time)
            sendOwn(to: endpoint)
            if part.isEnd {
                pool.release(buffer)
                endpoint.exclusives.removeFirst()
            }
        }
        return endpoint.backlogSent < endpoint.backlog.count || !endpoint.exclusives.isEmpty
    }
}
