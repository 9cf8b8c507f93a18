import Linux
import PatchBay
import Rooms
import Rtpmidid
import Store
import Supervisor

/// Participants who have a port and may be gone all the same: silent ones, ghosts, and those who have joined anew.
extension RtpmididEngine {
    /// Says who is silent, and removes who is gone without the daemon's noticing: a ghost keeps its port for ever.
    func judgeSilence(now: ContinuousClock.Instant = .now) {
        guard run.isReady, process.service.pid != nil else { return }
        for one in attendance.all where [.participant, .probe].contains(one.standing) && !one.isBeingRemoved {
            guard let key = one.key, let silence = book.silence(of: key, now: now) else { continue }
            switch silence {
            case .fresh:
                if one.standing == .probe {
                    // No ping takes that long.
                    if one.visit.joined.latest.advanced(by: .seconds(60)) < .now { remove(one) }
                } else if one.isSilent {
                    one.isReleased = false
                    attendance.cameBack(one)
                }
            case .silent(let last):
                guard one.standing != .probe else { continue }
                attendance.fellSilent(one, for: last.duration(to: now).components.seconds)
                releaseSilent(one, now)
            case .ghostSuspect:
                // Somebody who plays is alive, even without clock exchanges.
                if one.lastSign.duration(to: now) > LatencyCorrelator.ghostAfter { remove(one) }
            }
        }
    }

    /// Releases what a silent participant holds, so that it does not sound until the daemon gives it up. Somebody who plays is
    /// alive, even without clock exchanges.
    private func releaseSilent(_ one: RtpmididAttendee, _ now: ContinuousClock.Instant) {
        let hasPlayed = one.lastPlayed.map { $0.duration(to: now) < Self.silenceTimeout } ?? false
        guard !one.isReleased, !hasPlayed, one.standing == .participant else { return }
        one.isReleased = true
        bay.send(.release(one.id))
    }

    private static let silenceTimeout: Duration = .seconds(5)

    private func remove(_ one: RtpmididAttendee) {
        if one.standing != .probe {
            judge(one, .ghost)
            context.note(
                .ghost, severity: .warning, visit: one.visit,
                "\(one.visit.name) has given no sign for more than a minute and rtpmidid keeps its port: removed")
        }
        expel(one)
    }

    /// Takes its nodes out of the daemon's router: its port goes.
    private func expel(_ one: RtpmididAttendee) {
        one.isBeingRemoved = true
        for id in [one.node?.networkID, one.node?.alsaID].compactMap({ $0 }) {
            process.control.ask(ControlRequest.remove(id).bytes, timeout: .seconds(5)) { _ in }
        }
    }

    // MARK: Successors

    /// A new session at the address and port of another one replaces it, once it has measured or played. Otherwise its player
    /// would hear everything twice, and itself, until the daemon misses the old session. An old session that has given a
    /// sign of life since is left alone.
    func endReplaced(_ status: StatusReply, among byPort: [Int: RtpmididAttendee]) {
        func ports(_ participant: StatusReply.Participant) -> [RtpmididAttendee] {
            participant.nodes.compactMap { $0.port.flatMap { byPort[$0] } }.filter { !$0.isBeingRemoved }
        }
        var isOpen = false
        for (older, newer) in status.successions {
            guard let new = ports(newer).first else { continue }
            for old in ports(older) where old.lastSign < new.appeared.advanced(by: Self.signTolerance) {
                guard newer.session.hasMeasured || newer.nodes.contains(where: { $0.packetsIn ?? 0 > 0 }) else {
                    isOpen = true
                    continue
                }
                old.end = .left("began anew on the same port")
                judge(old, .ghost)
                context.note(
                    .restarted, visit: old.visit,
                    "\(old.visit.name) has begun anew on the same port: its earlier connection is ended")
                expel(old)
            }
        }
        guard isOpen, !isSuccessionOpen else { return }
        isSuccessionOpen = true
        context.loop.after(.milliseconds(250)) { [weak self] in
            self?.isSuccessionOpen = false
            self?.requestStatus()
        }
    }

    /// What the old session played last may be counted a little after the new one has appeared.
    private static let signTolerance: Duration = .milliseconds(200)
}
