import Linux
import Store

/// What is known of an engine's process; begun anew with each start, except for the number of starts.
struct EngineRun {
    /// It serves its ports.
    var isReady = false
    /// Why it is not ready.
    var reason: String?
    /// What a person can do about that.
    var fix: String?
    /// The latest errors in its log.
    var lastWords: [String] = []
    /// How often it was started.
    var starts = 0
    /// When `isReady` changed last.
    var since = Timestamp.now
    /// Ends it where it is not ready in time.
    var readinessTimer: EventLoop.TimerID?
}
