import Rooms

/// One question to the engines at a time, whoever asks.
struct SoundingQuestion {
    /// Whether it waits for an answer.
    var isOpen = false
    var waiters: [@Sendable ([Int64: ActiveNotes]) -> Void] = []
    /// The stream shows what was answered last.
    var isShown = false
}
