package import Rooms
package import Store

/// Whoever shows a hub to people. Called from the hub's loop.
package protocol HubObserver: AnyObject {
    /// Where a browser finds it.
    var pageAddress: String { get }
    /// Whether somebody looks on.
    var isWatched: Bool { get }
    /// Whether somebody looks at what sounds. The engines are asked for it only then.
    var watchesSounding: Bool { get }

    /// Begins; the first snapshot has been shown before.
    func start() throws
    /// Answers under way are finished.
    func stop()
    /// Opens the command line's socket again, whose file is gone; false where that cannot be.
    func reopenSocket() -> Bool

    func show(_ snapshot: Snapshot)
    /// Events that are on record now.
    func show(_ events: [EventRecord])
    /// Some could not be recorded.
    func lostEvents()
    /// Notes that participants have played since the last such call.
    func showPlayed(_ notes: [Int64: Int])
    /// nil when nobody looks at it any more.
    func showSounding(_ all: [Int64: ActiveNotes]?)
}
