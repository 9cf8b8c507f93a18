import EngineProtocol
import Linux
import PatchBay
import Rooms
import Sequencer
import Store

/// What participants hold and have set: asked of the engines while somebody looks at it, and at no other time.
extension Hub {
    /// Every fifth of a second.
    func watchSounding() {
        guard let observer else { return }
        if observer.watchesSounding {
            soundingQuestion.isShown = true
            askSounding()
        } else if soundingQuestion.isShown {
            // The next viewer must not see old values.
            soundingQuestion.isShown = false
            observer.showSounding(nil)
        }
    }

    func askSounding(for answer: @escaping @Sendable ([Int64: ActiveNotes]) -> Void) {
        soundingQuestion.waiters.append(answer)
        askSounding()
    }

    private func askSounding() {
        guard !soundingQuestion.isOpen else { return }
        soundingQuestion.isOpen = true
        soundingQuestion.number += 1
        let number = soundingQuestion.number
        carrier.askSounding { [weak self] in self?.tellSounding($0, number) }
        // An engine that has ended gives no answer.
        context.loop.after(.seconds(5)) { [weak self] in self?.tellSounding([:], number) }
    }

    private func tellSounding(_ all: [Int64: ActiveNotes], _ number: Int) {
        guard soundingQuestion.isOpen, number == soundingQuestion.number else { return }
        soundingQuestion.isOpen = false
        for answer in soundingQuestion.waiters { answer(all) }
        soundingQuestion.waiters = []
        if soundingQuestion.isShown { observer?.showSounding(all) }
    }
}
