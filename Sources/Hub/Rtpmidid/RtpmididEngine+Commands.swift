import EngineProtocol
import Linux
import PatchBay
import Rooms
import Rtpmidid
import Store

/// What is ordered about one participant.
extension RtpmididEngine {
    private func shown(_ participant: Int64) -> RtpmididAttendee? {
        attendance.all.first { $0.isShown && $0.visit.id == participant }
    }

    func perform(
        _ command: MemberCommand, on participant: Int64, _ done: @escaping (CommandReply?) -> Void
    ) -> Bool {
        guard let one = shown(participant) else { return false }
        switch command {
        case .kick: kick(one, done)
        case .release: bay.order(.release(one.id), done)
        case .notesOff(let notes): bay.order(.notesOff(one.id, notes), done)
        // The kernel carries what rtpmidid's participants play: nobody is muted there.
        case .unmute: return false
        }
        return true
    }

    /// Removes both ends of its connection from rtpmidid, which does not say goodbye to the participant.
    private func kick(_ one: RtpmididAttendee, _ done: @escaping (CommandReply?) -> Void) {
        guard let id = one.node?.networkID else {
            return done(
                .unavailable("rtpmidid has not told which of its connections this is. Try again in a few seconds."))
        }
        let other = one.node?.alsaID
        one.end = .left("was sent away")
        // What sounds at it is ended first, while it can still be sent something.
        bay.send(.mark(one.id, .ghost))
        bay.afterReleases { [weak self] in
            self?.process.control.ask(ControlRequest.remove(id).bytes, timeout: .seconds(5)) { [weak self] answer in
                guard case .success = answer else {
                    one.end = nil
                    self?.bay.send(.mark(one.id, .participant))
                    return done(.unavailable("rtpmidid does not answer."))
                }
                if let other {
                    self?.process.control.ask(ControlRequest.remove(other).bytes, timeout: .seconds(5)) { _ in }
                }
                done(nil)
            }
        }
    }
}
