import EngineProtocol
import Linux
import PatchBay
import Rooms
import Sequencer
import Store

/// One question to the engines at a time, whoever asks.
struct SoundingQuestion {
    /// Counts the questions.
    var number = 0
    /// Whether it waits for an answer.
    var isOpen = false
    var waiters: [@Sendable ([Int64: ActiveNotes]) -> Void] = []
    /// The stream shows what was answered last.
    var isShown = false
}

/// What participants hold and have set: asked of the engines while somebody looks at it, and at no other time.
extension Hub {
    /// Every fifth of a second.
    func watchSounding() {
        guard let observer else { return }
        if observer.watchesSounding {
            soundingQuestion.isShown = true
            askSounding()
        } else if soundingQuestion.isShown {
            // Whoever comes next is not to see what was.
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
        if let embedded {
            embedded.askSounding { [weak self] in self?.tellSounding($0, number) }
        } else if let bay = context.bay {
            bay.send(.sounding)
            // A patch bay that has ended says nothing.
            context.loop.after(.seconds(5)) { [weak self] in self?.tellSounding([:], number) }
        } else {
            tellSounding([:], number)
        }
    }

    /// The patch bay's answer.
    func heardSounding(_ ports: [PortID: ActiveNotes]) {
        var all: [Int64: ActiveNotes] = [:]
        for one in rtpmidids.lazy.flatMap(\.present.values) where one.isShown {
            if let sounding = ports[one.id] { all[one.visit.id] = sounding }
        }
        tellSounding(all, soundingQuestion.number)
    }

    private func tellSounding(_ all: [Int64: ActiveNotes], _ number: Int) {
        guard soundingQuestion.isOpen, number == soundingQuestion.number else { return }
        soundingQuestion.isOpen = false
        for answer in soundingQuestion.waiters { answer(all) }
        soundingQuestion.waiters = []
        if soundingQuestion.isShown { observer?.showSounding(all) }
    }
}
