/// One thing to be written. A list of them is committed as a whole or not at all.
package enum Change: Hashable, Sendable {
    /// Begins a visit, or replaces what is known of it.
    indirect case visit(Visit)
    case latency(LatencySample)
    /// Judges the visit's unconfirmed samples whose time, or whole range of time, lies in `from...to`.
    case trust(visit: Int64, from: Timestamp, to: Timestamp, LatencySample.Trust)
    indirect case event(EventRecord)
    case offset(TailOffset)
    /// A setting without value is forgotten.
    case setting(key: String, value: String?)
    case block(room: String, from: String, to: String)
    case unblock(room: String, from: String, to: String)
    /// Of two hubs; replaces what is known of it.
    indirect case drill(Drill)
}

extension Connection {
    func apply(_ change: Change) throws(StoreError) {
        switch change {
        case .visit(let visit): try store(visit)
        case .latency(let sample): try store(sample)
        case .trust(let visit, let from, let to, let trust): try judge(visit, from, to, trust)
        case .event(let event): try store(event)
        case .offset(let tail): try store(tail)
        case .setting(let key, let value): try set(key, to: value)
        case .drill(let drill): try store(drill)
        case .block(let room, let from, let to):
            try statement("INSERT OR REPLACE INTO block VALUES (?, ?, ?)").run(room, from, to)
        case .unblock(let room, let from, let to):
            try statement("DELETE FROM block WHERE room = ? AND from_name = ? AND to_name = ?").run(room, from, to)
        }
    }
}
