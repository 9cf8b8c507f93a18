import EngineProtocol
import Rooms

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
