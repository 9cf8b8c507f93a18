import EngineProtocol
import Linux
import Rooms
import Store
import Supervisor

/// Who is there, as the engine says it: its log at once and with reasons, its status every few seconds. Where the disk is
/// full and the log tells nothing, the status alone.
extension EmbeddedEngine {
    /// Of one who never answers the engine's questions: most ask questions of their own every ten seconds.
    private static let silenceAfter: Int64 = 25_000

    /// The participant that the engine means: a known one, a visit that the hub before this one left open, or a new one.
    func attendee(_ reported: EngineStatus.Participant, at moment: Timestamp) -> EmbeddedAttendance {
        if let one = present[reported.id] {
            one.outlivesEngine = false
            return one
        }
        let index = openVisits.firstIndex {
            $0.port == reported.port && $0.ssrc == reported.ssrc && $0.name == reported.name
        }
        let one: EmbeddedAttendance
        if let index {
            one = EmbeddedAttendance(openVisits.remove(at: index), reported)
            if let earlier = context.earlierRoundTrips[one.visit.id] { one.roundTrips = RoundTrips(earlier) }
        } else {
            let visit = Visit(
                id: context.makeVisitID(), room: reported.room, engine: name, port: reported.port, name: reported.name,
                address: reported.address, ssrc: reported.ssrc,
                joined: TimeRange(Timestamp(milliseconds: reported.since)))
            one = EmbeddedAttendance(visit, reported)
            context.recorder.add(.visit(visit))
            context.note(.joined, at: visit.joined, visit: visit, "\(visit.name) joined room \(visit.room)")
        }
        present[reported.id] = one
        context.changed()
        return one
    }

    func joined(_ reported: EngineStatus.Participant, at moment: Timestamp) {
        _ = attendee(reported, at: moment)
        halfOpens.remove(reported.name, reported.port)
    }

    func left(_ reported: EngineStatus.Participant, _ leaving: Leaving?, released: Int, at moment: Timestamp) {
        let one = attendee(reported, at: moment)
        present[reported.id] = nil
        close(one.visit, TimeRange(moment), leaving ?? .bye)
        noteReleases(released, of: one, at: moment)
    }

    private func noteReleases(_ released: Int, of one: EmbeddedAttendance, at moment: Timestamp) {
        guard released > 0 else { return }
        context.note(
            .released, at: TimeRange(moment), visit: one.visit,
            "\(one.visit.name) left \(released == 1 ? "1 note" : "\(released) notes") or pedals sounding: released at those who heard them"
        )
    }

    /// It has fallen silent, or is back.
    func heard(_ reported: EngineStatus.Participant, released: Int, at moment: Timestamp) {
        let one = attendee(reported, at: moment)
        one.update(reported, at: moment)
        judgeSilence(one, at: moment)
        noteReleases(released, of: one, at: moment)
    }

    private func close(_ visit: Visit, _ when: TimeRange, _ leaving: Leaving) {
        close(visit, when, kind: leaving == .silent ? .lost : .left, leaving.text)
    }

    private func close(_ visit: Visit, _ when: TimeRange, kind: EventKind, _ words: String) {
        var visit = visit
        (visit.left, visit.reason) = (when, words)
        context.recorder.add(.visit(visit))
        context.note(
            kind, severity: kind == .lost ? .warning : .info, at: when, visit: visit,
            "\(visit.name) \(words) (room \(visit.room))")
        context.changed()
    }

    /// The process was ended by us, and everyone on it dismissed.
    func everyoneIsGone(reason: String) {
        for one in present.values { close(one.visit, TimeRange(.now), kind: .left, "left: \(reason)") }
        present = [:]
        abandonOpenVisits(reason: reason)
    }

    /// One finished clock exchange.
    func measured(_ reported: EngineStatus.Participant, at moment: Timestamp) {
        let one = attendee(reported, at: moment)
        one.update(reported, at: moment)
        guard let last = reported.rtt?.last else { return }
        let microseconds = Int((last * 1000).rounded())
        one.roundTrips.add(microseconds, at: moment)
        context.recorder.add(
            .latency(
                LatencySample(
                    visit: one.visit.id, at: TimeRange(moment), roundTrip: Int64(microseconds), trust: .confirmed)))
        context.changed()
    }

    func handle(_ status: EngineStatus) {
        // What the log has not told yet is told there. Half a line, all that a full disk took of it, is not waited for.
        readLog()
        guard !(tail?.awaitsCommit ?? false) else { return }
        for reported in status.participants {
            let one = attendee(reported, at: .now)
            one.update(reported, at: .now)
            one.absences = 0
            one.visit.address = reported.address
            if one.visit.room != reported.room {
                // The same visit, in a room that a reload has renamed or put its port into.
                one.visit.room = reported.room
                context.recorder.add(.visit(one.visit))
            }
            judgeSilence(one, at: .now)
        }
        let named = Set(status.participants.map(\.id))
        for (id, one) in present where !named.contains(id) {
            one.absences += 1
            guard one.absences > 1 else { continue }
            present[id] = nil
            if one.outlivesEngine {
                close(one.visit, TimeRange(.now), kind: .lost, "was lost when the engine ended")
            } else {
                close(one.visit, TimeRange(.now), kind: .left, "left: the engine's log does not tell how")
            }
        }
        abandonOpenVisits(reason: "left while the hub was away")
        context.changed()
    }

    private func abandonOpenVisits(reason: String) {
        for visit in openVisits {
            let when = TimeRange(earliest: max(context.lastAlive, visit.joined.earliest), latest: .now)
            close(visit, when, kind: .left, reason)
        }
        openVisits = []
    }

    private func judgeSilence(_ one: EmbeddedAttendance, at moment: Timestamp) {
        let isSilent = one.reported.isSilent ?? false || one.reported.silentFor > Self.silenceAfter
        guard isSilent != one.isSilent else { return }
        one.isSilent = isSilent
        if isSilent {
            context.note(
                .silent, severity: .warning, at: TimeRange(moment), visit: one.visit,
                "\(one.visit.name) has been silent for \(one.reported.silentFor / 1000) s")
        } else {
            context.note(.back, at: TimeRange(moment), visit: one.visit, "\(one.visit.name) is back")
        }
        context.changed()
    }

    func rerecord() {
        for one in present.values { context.recorder.add(.visit(one.visit)) }
        recordOffset()
    }

    // MARK: Showing

    /// Who did not get in lately.
    var notices: [String] { halfOpens.sentences(at: .now) }

    var participants: [Snapshot.Participant] {
        present.values.map { one in
            let port = plan.ports.first { $0.port == one.visit.port }
            return one.view(port?.room.policy ?? .auto, port?.index ?? 0)
        }
    }

    /// Who is cut for sending back what it hears.
    var loops: Set<Int64> { Set(present.values.filter(\.reported.loops).map(\.visit.id)) }
}
