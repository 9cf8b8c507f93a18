import Rooms

/// The question what sounds, which is put to the engines once at a time, however many wait for the answer.
struct SoundingQuestion {
    /// Whether it waits for an answer.
    var isOpen = false
    var waiters: [@Sendable ([Int64: ActiveNotes]) -> Void] = []
    /// The stream shows what was answered last.
    var isShown = false
}
