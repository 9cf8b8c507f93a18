package import Linux
package import Store
package import Synchronization

/// Brings changes into the store, one transaction at a time, from the hub's loop. The store is never waited for: while it
/// works, changes gather; while it is down, they are counted as lost and it is tried again.
package final class StoreWriter {
    package private(set) var database: Database?
    package private(set) var view = Snapshot.Store()
    package let counters = StoreWriterCounters()
    /// The store works again after a failure, or is a new file: it needs all visits and blocks that still hold.
    package var recovered: () -> Void = {}
    /// Events that are on record now, with their ids in the store.
    package var recorded: ([EventRecord]) -> Void = { _ in }
    /// Some events could not be recorded.
    package var lostEvents: () -> Void = {}
    /// Called from the loop, with a sentence for people.
    package var noticed: (String) -> Void = { _ in }

    /// Called now and then with an event about visits that were only counted.
    package var counted: (EventRecord) -> Void = { _ in }
    /// What of those who come and go is recorded.
    package var strangers = Strangers()

    private let path: String
    private let loop: EventLoop
    private let outcomes: Mailbox<Outcome>
    private var pending: [Change] = []
    private var afterwards: [() -> Void] = []
    private var underWay: (changes: [Change], afterwards: [() -> Void])?
    private var scheduled = false
    private var isLooking = false
    private var countedAt = Timestamp(milliseconds: 0)
    private let retry: Duration
    private static let looking: Duration = .seconds(5)
    private static let counting: Duration = .seconds(600)

    /// `failure` says why there is no database; `retry` is the time until the next attempt.
    package init(
        _ database: Database?, path: String, failure: StoreError?, loop: EventLoop, retry: Duration = .seconds(10)
    ) throws(Errno) {
        (self.database, self.path, self.loop, self.retry) = (database, path, loop, retry)
        outcomes = try Mailbox()
        try loop.receive(outcomes) { [unowned self] in finish($0) }
        if let failure { stop(failure) }
    }

    package func add(_ change: Change) { add([change]) }

    package func add(_ changes: [Change]) {
        let now = Timestamp.now
        put(changes.filter { strangers.admit($0, at: now) })
        lookLater()
    }

    private func put(_ changes: [Change]) {
        guard !changes.isEmpty else { return }
        pending += changes
        schedule()
    }

    /// Looks every few seconds whether visits that wait have lasted, as long as there are some.
    private func lookLater() {
        guard !isLooking, strangers.isBusy else { return }
        isLooking = true
        loop.after(Self.looking) { [unowned self] in
            isLooking = false
            let now = Timestamp.now
            put(strangers.due(at: now))
            if countedAt.advanced(by: Self.counting) <= now, let count = strangers.drainCount(at: now) {
                countedAt = now
                counted(count)
            }
            lookLater()
        }
    }

    /// What is to be recorded does not wait behind pages and whatever else asks.
    private static let priority = TaskPriority.high

    /// Whether the database is still the file at its place: a deleted one would go on taking records that nobody can read.
    package func check() {
        guard let database, view.state == .recording, underWay == nil, pending.isEmpty, afterwards.isEmpty else {
            return
        }
        underWay = ([], [])
        let outcomes = self.outcomes
        Task(priority: Self.priority) {
            do throws(StoreError) {
                try await database.verify()
                outcomes.send(.sound)
            } catch { outcomes.send(.failed(error)) }
        }
    }

    /// Calls back when everything added so far is on disk, or was given up.
    package func whenDone(_ work: @escaping () -> Void) {
        afterwards.append(work)
        schedule()
    }

    /// At the end of this turn of the loop, so that what belongs together is one transaction.
    private func schedule() {
        guard !scheduled, underWay == nil else { return }
        scheduled = true
        loop.after(.zero) { [unowned self] in
            scheduled = false
            flush()
        }
    }

    private func flush() {
        guard underWay == nil, !(pending.isEmpty && afterwards.isEmpty) else { return }
        let changes = pending
        let work = afterwards
        (pending, afterwards) = ([], [])
        guard let database, view.state == .recording, !changes.isEmpty else {
            if view.state == .stopped { lose(changes) }
            for call in work { call() }
            return
        }
        underWay = (changes, work)
        let outcomes = self.outcomes
        let all = changes + [Self.alive]
        Task(priority: Self.priority) {
            do throws(StoreError) {
                outcomes.send(.committed(newestEvent: try await database.commit(all)))
            } catch { outcomes.send(.failed(error)) }
        }
    }

    private func finish(_ outcome: Outcome) {
        switch outcome {
        case .committed(let newest):
            counters.writes.add(1, ordering: .relaxed)
            tellRecorded(underWay?.changes ?? [], newest)
        case .sound: break
        case .failed(let error):
            counters.failures.add(1, ordering: .relaxed)
            lose(underWay?.changes ?? [])
            stop(error)
        case .works(let fresh, let notices):
            database = fresh
            view.state = .recording
            view.reason = nil
            for notice in notices { say(notice) }
            say("Recording again. Changes that were not recorded: \(view.lost).")
            recovered()
            schedule()
            return
        case .worksNot(let error):
            stop(error)
            return
        }
        let work = underWay?.afterwards ?? []
        underWay = nil
        for call in work { call() }
        schedule()
    }

    private func lose(_ changes: [Change]) {
        view.lost += changes.count
        if changes.contains(where: { if case .event = $0 { true } else { false } }) { lostEvents() }
    }

    /// The events of one commit have consecutive ids.
    private func tellRecorded(_ changes: [Change], _ newest: Int64) {
        var events = changes.compactMap { change -> EventRecord? in
            if case .event(let event) = change { event } else { nil }
        }
        guard !events.isEmpty else { return }
        for index in events.indices { events[index].id = newest - Int64(events.count - 1 - index) }
        recorded(events)
    }

    private func stop(_ error: StoreError) {
        let reason = Self.text(for: error)
        if view.state == .recording || view.reason != reason { say("Recording stopped: \(reason). MIDI goes on.") }
        view.state = .stopped
        view.reason = reason
        // A damaged file was set aside at once and the next call begins a new one: nothing to wait for.
        let isDamaged = if case .damaged = error.kind { true } else { false }
        loop.after(isDamaged ? .zero : retry) { [unowned self] in tryAgain() }
    }

    /// In a later turn of the loop: `noticed` is not set yet when `init` tells a failure, and it may add a change.
    private func say(_ text: String) { loop.after(.zero) { [unowned self] in noticed(text) } }

    private func tryAgain() {
        let path = self.path
        let outcomes = self.outcomes
        let known = database
        Task(priority: Self.priority) { outcomes.send(await attempt(known, path)) }
    }

    /// The setting, in every transaction, that says when a hub last recorded something: what a later hub learns of the time
    /// between happened after that.
    package static let aliveKey = "alive"
    fileprivate static var alive: Change { .setting(key: aliveKey, value: "\(Timestamp.now.milliseconds)") }

    package static func text(for error: StoreError) -> String {
        switch error.kind {
        case .diskFull: "the disk is full"
        case .newerSchema(let found, let known):
            "the database was made by a newer MIDI Hub (schema \(found), this one knows \(known)); upgrade, or name another --state"
        case .damaged: "the database is damaged (\(error.message))"
        case .readOnly: "the database cannot be written (\(error.message))"
        case .busy: "another program holds the database"
        case .other: "\(error.message)"
        }
    }
}

private enum Outcome: Sendable {
    case committed(newestEvent: Int64)
    /// The file is the one that was opened.
    case sound
    case failed(StoreError)
    /// The store takes changes again, with what it has to say about it.
    case works(Database, notices: [String])
    case worksNot(StoreError)
}

/// Tries whether the store takes changes again.
private func attempt(_ known: Database?, _ path: String) async -> Outcome {
    do throws(StoreError) {
        var database = known
        if database == nil { database = try Database(path: path) }
        guard let database else { preconditionFailure("a database was just opened") }
        // Only a commit shows that the disk takes something again.
        try await database.commit([StoreWriter.alive])
        return .works(database, notices: await database.drainNotices())
    } catch { return .worksNot(error) }
}

/// Written by who records, read by any thread.
package final class StoreWriterCounters: Sendable {
    /// Transactions that are on disk, and those that failed.
    package let writes = Atomic<Int>(0)
    package let failures = Atomic<Int>(0)
    package init() {}
}
