import Linux
import Store

/// How the process of an engine is, over its runs.
struct EngineRun {
    /// It serves its ports.
    var isReady = false
    /// Why not.
    var reason: String?
    /// What a person can do about that.
    var fix: String?
    /// What it said last before it ended.
    var lastWords: [String] = []
    /// How often it was started.
    var starts = 0
    /// When `isReady` changed last.
    var since = Timestamp.now
    /// Ends it where it is not ready in time.
    var readinessTimer: EventLoop.TimerID?
}
