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
    func attendee(_ reported: EngineStatus.Participant) -> EmbeddedAttendee {
        if let one = attendance[reported.id] {
            one.outlivesEngine = false
            return one
        }
        let one: EmbeddedAttendee
        let relay = context.relays[reported.address]
        let earlier = attendance.removeOpenVisit(
            where: { $0.port == reported.port && $0.ssrc == reported.ssrc && $0.name == reported.name })
        if let earlier {
            one = EmbeddedAttendee(earlier, reported)
            attendance.resumed(one)
        } else {
            let visit = Visit(
                id: context.makeVisitID(), room: reported.room, engine: name, port: reported.port, name: reported.name,
                address: relay?.address ?? reported.address, ssrc: reported.ssrc,
                joined: TimeRange(Timestamp(milliseconds: reported.since)))
            one = EmbeddedAttendee(visit, reported)
            attendance.joined(one, at: visit.joined)
        }
        one.relay = relay
        attendance.add(one, as: reported.id)
        context.changed()
        return one
    }

    func joined(_ reported: EngineStatus.Participant) {
        _ = attendee(reported)
        halfOpens.remove(reported.name, reported.port)
        if reported.device != nil { requestStatus() }
    }

    func left(_ reported: EngineStatus.Participant, _ leaving: Leaving, released: Int, at moment: Timestamp) {
        let one = attendee(reported)
        let text = leaving == .silent && reported.isInvited == true ? Self.invitedIsLost : leaving.text
        attendance.remove(reported.id)
        attendance.ended(
            one, leaving == .silent ? .lost(text) : .left(text), at: TimeRange(moment))
        noteReleases(released, of: one, at: moment)
        if reported.device != nil { requestStatus() }
    }

    private func noteReleases(_ released: Int, of one: EmbeddedAttendee, at moment: Timestamp) {
        guard released > 0 else { return }
        context.note(
            .released, at: TimeRange(moment), visit: one.visit,
            "\(one.visit.name) left \(released == 1 ? "1 note" : "\(released) notes") or pedals sounding: released at those who heard them"
        )
    }

    /// It has fallen silent, or is back.
    func heard(_ reported: EngineStatus.Participant, released: Int, at moment: Timestamp) {
        let one = attendee(reported)
        one.update(reported, at: moment)
        judgeSilence(one, at: moment)
        noteReleases(released, of: one, at: moment)
    }

    /// One finished clock exchange.
    func measured(_ reported: EngineStatus.Participant, at moment: Timestamp) {
        let one = attendee(reported)
        one.update(reported, at: moment)
        if let last = reported.rtt?.last { attendance.measured(one, Int((last * 1000).rounded()), at: moment) }
    }

    func update(_ status: EngineStatus) {
        // The log is read first, as it tells reasons. Half a line, all that a full disk took, is not waited for.
        readLog()
        guard !(tail?.awaitsCommit ?? false) else { return }
        for reported in status.participants {
            let one = attendee(reported)
            one.update(reported, at: .now)
            one.absences = 0
            one.visit.address = one.relay?.address ?? reported.address
            attendance.moved(one, to: reported.room)
            judgeSilence(one, at: .now)
        }
        calls = status.calls
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
        if one.reported.isSilent ?? false || one.reported.silentFor > Self.silenceAfter {
            attendance.fellSilent(one, for: one.reported.silentFor / 1000, at: moment)
        } else {
            attendance.cameBack(one, at: moment)
        }
    }

    func rerecord() {
        attendance.rerecord()
        recordOffset()
    }

    // MARK: Showing

    /// What it cannot do, who did not get in lately, and which devices of this machine are no members though they should be.
    var notices: [String] {
        var notices = limits + halfOpens.sentences(at: .now)
        for one in devices where one.alsa != nil && !one.isMember {
            guard let trouble = one.trouble else { continue }
            notices.append("\(ShownName.shown(one.name)) is plugged in and not in room \(one.room): \(trouble)")
        }
        if let deviceTrouble { notices.append("No device of this machine is a member: \(deviceTrouble)") }
        if !knowsDevices, plan.rooms.contains(where: { $0.devices != nil }) {
            let running = [name, version].compactMap(\.self).joined(separator: " ")
            notices.append("\(running) knows nothing of devices: they are members when a newer one has taken over")
        }
        return notices
    }

    var participants: [Snapshot.Participant] {
        attendance.all.map { one in
            let port = plan.ports.first { $0.port == one.visit.port }
            return one.view(port?.room.policy ?? .auto, port?.index ?? 0)
        }
    }

    /// The visits of participants who are muted because they send back what they hear.
    var loops: Set<Int64> { Set(attendance.all.filter(\.reported.loops).map(\.visit.id)) }
}
