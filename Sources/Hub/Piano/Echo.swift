import Linux

/// The echo of a room while it is on, as everybody sees it.
struct Echo {
    let view: Snapshot.Participant
    let timer: EventLoop.TimerID
}
