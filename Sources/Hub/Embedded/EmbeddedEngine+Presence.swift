import EngineProtocol
import Linux
import Rooms
import Store
import Supervisor

/// Who is on an embedded engine. Its log tells it at once and with reasons, its status every few seconds; where the disk is
/// full and the log is not written, the status alone tells it.
extension EmbeddedEngine {
    /// In milliseconds, for participants who never answer the engine's clock exchanges. Most begin exchanges of their own
    /// every ten seconds.
    private static let silenceAfter: Int64 = 25_000

    /// The participant that the engine means: a known one, a visit that the hub before this one left open, or a new one.
    func attendee(_ said: EngineStatus.Participant) -> EmbeddedAttendee {
        if let one = attendance[said.id] {
            one.outlivesEngine = false
            return one
        }
        let one: EmbeddedAttendee
        let earlier = attendance.takeOpenVisit(
            where: { $0.port == said.port && $0.ssrc == said.ssrc && $0.name == said.name })
        if let earlier {
            one = EmbeddedAttendee(earlier, said)
            attendance.resumed(one)
        } else {
            let visit = Visit(
                id: context.takeVisitID(), room: said.room, engine: name, port: said.port, name: said.name,
                address: said.address, ssrc: said.ssrc, joined: TimeRange(Timestamp(milliseconds: said.since)))
            one = EmbeddedAttendee(visit, said)
            attendance.joined(one, at: visit.joined)
        }
        attendance.add(one, as: said.id)
        context.changed()
        return one
    }

    func joined(_ said: EngineStatus.Participant) {
        _ = attendee(said)
        halfOpens.remove(said.name, said.port)
    }

    func left(_ said: EngineStatus.Participant, _ leaving: Leaving, released: Int, at moment: Timestamp) {
        let one = attendee(said)
        attendance.remove(said.id)
        attendance.ended(
            one, leaving == .silent ? .lost(leaving.words) : .left(leaving.words), at: TimeRange(moment))
        noteReleases(released, of: one, at: moment)
    }

    private func noteReleases(_ released: Int, of one: EmbeddedAttendee, at moment: Timestamp) {
        guard released > 0 else { return }
        context.note(
            .released, at: TimeRange(moment), visit: one.visit,
            "\(one.visit.name) left \(released == 1 ? "1 note" : "\(released) notes") or pedals sounding: released at those who heard them"
        )
    }

    /// It has fallen silent, or is back.
    func heard(_ said: EngineStatus.Participant, released: Int, at moment: Timestamp) {
        let one = attendee(said)
        one.update(said, at: moment)
        judgeSilence(one, at: moment)
        noteReleases(released, of: one, at: moment)
    }

    /// One finished clock exchange.
    func measured(_ said: EngineStatus.Participant, at moment: Timestamp) {
        let one = attendee(said)
        one.update(said, at: moment)
        if let last = said.rtt?.last { attendance.measured(one, Int((last * 1000).rounded()), at: moment) }
    }

    func update(_ status: EngineStatus) {
        // The log is read first, as it tells reasons. Half a line, all that a full disk took, is not waited for.
        readLog()
        guard !(tail?.awaitsCommit ?? false) else { return }
        for said in status.participants {
            let one = attendee(said)
            one.update(said, at: .now)
            one.absences = 0
            one.visit.address = said.address
            attendance.moved(one, to: said.room)
            judgeSilence(one, at: .now)
        }
        let named = Set(status.participants.map(\.id))
        for (id, one) in attendance.present where !named.contains(id) {
            one.absences += 1
            guard one.absences > 1 else { continue }
            attendance.remove(id)
            attendance.ended(
                one,
                one.outlivesEngine
                    ? .lost("was lost when the engine ended") : .left("left: the engine's log does not tell how"))
        }
        attendance.abandonOpenVisits()
        context.changed()
    }

    private func judgeSilence(_ one: EmbeddedAttendee, at moment: Timestamp) {
        if one.said.isSilent ?? false || one.said.silentFor > Self.silenceAfter {
            attendance.fellSilent(one, for: one.said.silentFor / 1000, at: moment)
        } else {
            attendance.cameBack(one, at: moment)
        }
    }

    func rerecord() {
        attendance.rerecord()
        recordOffset()
    }

    // MARK: Showing

    /// Who did not get in lately.
    var notices: [String] { halfOpens.words(at: .now) }

    var participants: [Snapshot.Participant] {
        attendance.all.map { one in
            let place = plan.ports.first { $0.port == one.visit.port }
            return one.view(place?.room.policy ?? .auto, place?.index ?? 0)
        }
    }

    /// The visits of participants who are muted because they send back what they hear.
    var loops: Set<Int64> { Set(attendance.all.filter(\.said.loops).map(\.visit.id)) }
}
