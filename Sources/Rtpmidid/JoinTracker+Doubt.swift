extension JoinTracker {
    package func isDoubted(_ offset: UInt64) -> Bool { suspicion?.doubts(offset) ?? false }

    func trust(at offset: UInt64) -> Trust { isDoubted(offset) ? .doubtful : .claimed }

    /// A line at `offset` cannot be genuine. What was believed from lines up to one record's length before it is withdrawn.
    mutating func doubt(at offset: UInt64) -> [Event] {
        let isNew = suspicion?.isOpen != true
        if suspicion == nil {
            suspicion = Suspicion(at: offset)
        } else {
            suspicion?.extend(at: offset)
        }
        guard isNew, let suspicion else { return [] }
        for index in joins.indices where suspicion.doubts(joins[index].offset) && joins[index].trust == .claimed {
            joins[index].trust = .doubtful
        }
        for (join, at) in removed where suspicion.doubts(at) && joins.count < Self.limit {
            var restored = join
            restored.claimedLeaving = join.byes.isEmpty ? .lost : .bye
            if join.trust == .claimed, suspicion.doubts(join.offset) { restored.trust = .doubtful }
            joins.append(restored)
        }
        removed = []
        return [.doubted(suspicion)]
    }

    mutating func forgetRemoved(before offset: UInt64) {
        guard !removed.isEmpty else { return }
        removed.removeAll { $0.offset + Suspicion.reach < offset }
        if removed.count > Self.pendingLimit { removed.removeFirst(removed.count - Self.pendingLimit) }
    }

    /// Corrects the table by what the daemon says itself. `log`: how long the log was when the request was written, and
    /// when the reply came. What was written meanwhile may be older or newer than the reply.
    ///
    /// Ends the doubt if nobody in the reply has a newline in the name, and nothing gave reason since it was asked for. Begins
    /// it, and says so, where the reply names such a one before the log has.
    @discardableResult
    package mutating func settle(with status: StatusReply, during log: Range<UInt64>) -> [Event] {
        guard status.listsParticipants else { return [] }
        var settled: [Membership] = []
        for participant in status.participants {
            for node in participant.nodes where settled.count < Self.limit {
                let known = joins.first {
                    $0.name == participant.session.name && ($0.ssrc == participant.session.ssrc || $0.ssrc == nil)
                        && (node.port == nil ? $0.alsaID == node.alsaID && $0.alsaID != nil : $0.port == node.port)
                }
                var join =
                    known ?? Membership(name: participant.session.name, offset: log.lowerBound, trust: .confirmed)
                join.ssrc = participant.session.ssrc
                join.port = node.port ?? known?.port
                join.alsaID = node.alsaID
                join.networkID = node.networkID
                join.trust = .confirmed
                join.isDead = false
                join.claimedLeaving = nil
                settled.append(join)
            }
        }
        let newer = joins.filter { join in
            join.offset >= log.lowerBound && join.trust != .confirmed
                && !settled.contains { $0.port == join.port && $0.port != nil }
        }
        joins = Array((settled + newer).prefix(Self.limit))
        if let id = status.listener?.id { adoptListener(id) }
        if status.names.contains(where: \.splitsLines) {
            let isNew = suspicion?.isOpen != true
            var doubt = suspicion ?? Suspicion(at: log.lowerBound)
            doubt.extend(at: log.lowerBound)
            suspicion = doubt
            return isNew ? [.doubted(doubt)] : []
        }
        if let doubt = suspicion, doubt.isOpen, doubt.latest < log.lowerBound { suspicion?.close(at: log.upperBound) }
        return []
    }
}
