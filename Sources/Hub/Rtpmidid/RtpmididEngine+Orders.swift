import Linux
import PatchBay
import Rooms
import Rtpmidid
import Store

/// What is ordered about one participant.
extension RtpmididEngine {
    private func shown(_ participant: Int64) -> Present? {
        present.values.first { $0.isShown && $0.visit.id == participant }
    }

    /// Removes both ends of its connection: it is out of the room, though rtpmidid does not tell it (facts: rtpmidid.md
    /// 4.2).
    func kick(_ participant: Int64, _ done: @escaping (String?) -> Void) -> Bool {
        guard let one = shown(participant) else { return false }
        guard let id = one.node?.networkID else {
            done("rtpmidid has not told which of its connections this is. Try again in a few seconds.")
            return true
        }
        let other = one.node?.alsaID
        // What it hears ends while it can still be told.
        context.bay?.send(.mark(one.id, .ghost))
        context.afterReleases { [weak self] in
            self?.process.control.ask(ControlRequest.remove(id).bytes, patience: .seconds(5)) { [weak self] answer in
                guard case .success = answer else {
                    self?.context.bay?.send(.mark(one.id, .participant))
                    return done("rtpmidid does not answer.")
                }
                if let other {
                    self?.process.control.ask(ControlRequest.remove(other).bytes, patience: .seconds(5)) { _ in }
                }
                done(nil)
            }
        }
        return true
    }

    func release(_ participant: Int64, _ done: @escaping (String?) -> Void) -> Bool {
        guard let one = shown(participant) else { return false }
        context.bay?.send(.release(one.id))
        done(context.bay == nil ? "There is no ALSA sequencer." : nil)
        return true
    }

    func notesOff(_ participant: Int64, _ notes: ClosedRange<UInt8>, _ done: @escaping (String?) -> Void) -> Bool {
        guard let one = shown(participant) else { return false }
        context.bay?.send(.notesOff(one.id, notes))
        done(context.bay == nil ? "There is no ALSA sequencer." : nil)
        return true
    }
}
