/// What an event is about: a word for programs.
package enum EventKind: String, CaseIterable, Hashable, Sendable {
    // Participants.
    case joined, left, lost, silent, back, ghost, duplicate, restarted, released, refused, loop
    case halfOpen = "half-open"
    case notConnected = "not-connected"
    case visitsCounted = "visits-counted"

    // What people have done.
    case kick, unmute, release, panic, block, unblock, piano, restart, reload, focus, input
    case connect, disconnect, locked, unlocked, forced
    case putOff = "put-off"
    case notesOff = "notes-off"
    case pianoLost = "piano-lost"
    case echoOn = "echo-on"
    case echoOff = "echo-off"
    case reloadFailed = "reload-failed"

    // Two hubs as a pair.
    case pairJoined = "pair-joined"
    case pairLost = "pair-lost"
    case pairSwitched = "pair-switched"
    case pairOrder = "pair-order"
    case drill

    // Engines.
    case adopted, collision
    case engineChosen = "engine-chosen"
    case engineStarted = "engine-started"
    case engineReady = "engine-ready"
    case engineStopped = "engine-stopped"
    case engineExited = "engine-exited"
    case engineCannotStart = "engine-cannot-start"
    case engineUnfit = "engine-unfit"
    case engineLimits = "engine-limits"
    case engineTrouble = "engine-trouble"
    case portTaken = "port-taken"
    case notAnnounced = "not-announced"
    case logDoubted = "log-doubted"
    case logTrouble = "log-trouble"

    // The hub itself.
    case patchbay, restored, store, socket, stopping
    case alertSent = "alert-sent"
    case alertFailed = "alert-failed"
    case leftToNext = "left-to-next"

    /// Of a hub of another version.
    case unknown
}
