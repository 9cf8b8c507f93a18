import Rooms

/// What participants hold and have set: asked of the engines while somebody looks at it, and at no other time.
extension Hub {
    /// Every fifth of a second.
    func watchSounding() {
        guard let observer else { return }
        if observer.watchesSounding {
            soundingQuestion.isShown = true
            askSounding()
        } else if soundingQuestion.isShown {
            // Otherwise the next viewer would first see old values.
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
        carrier.askSounding { [weak self] in self?.tellSounding($0) }
    }

    private func tellSounding(_ all: [Int64: ActiveNotes]) {
        soundingQuestion.isOpen = false
        for answer in soundingQuestion.waiters { answer(all) }
        soundingQuestion.waiters = []
        if soundingQuestion.isShown { observer?.showSounding(all) }
    }
}
