import CLinux
import Glibc
import Synchronization

/// One thread's epoll(7) set with timers and mailboxes. Not Sendable: the thread that made it runs it, and only
/// handlers on that thread touch it. Other threads reach it through a `Mailbox`.
///
/// Timers come as exactly as the kernel's do, some tens of microseconds late and never early: one timerfd_create(2) is set
/// for the earliest of them, and again only when that is another one.
package final class EventLoop {
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        package static let read = Interest(rawValue: EPOLLIN.rawValue)
        package static let write = Interest(rawValue: EPOLLOUT.rawValue)
        /// An error or hang-up, which is reported even if it was not asked for.
        package static let hangup = Interest(rawValue: EPOLLERR.rawValue | EPOLLHUP.rawValue | EPOLLRDHUP.rawValue)
    }
    /// Names one watched descriptor. Never reused, so that an event left over from a closed and reused descriptor is dropped.
    package struct Registration: Hashable, Sendable { fileprivate let id: UInt64 }
    package struct TimerID: Hashable, Sendable { fileprivate let id: UInt64 }

    private let epoll: Descriptor
    private let wakeup: Descriptor
    /// What `wakeup` is set for; nil where it is not set, or has gone off.
    private var planned: ContinuousClock.Instant?
    /// Structures, not tuples: taking a closure out of a tuple allocates, and a turn of the loop must not.
    private struct Watched {
        let number: CInt
        let handler: (Interest) -> Void
    }
    private struct Planned {
        let at: ContinuousClock.Instant
        let id: UInt64
        let work: () -> Void
    }
    private var watched: [UInt64: Watched] = [:]
    /// Sorted by time, the latest first, so that the next one is popped from the end.
    private var timers: [Planned] = []
    private var alarms: [Alarm] = []
    private var nextID: UInt64 = 1
    private var running = false
    /// How often the loop has woken up, or gone on without a wait.
    package private(set) var turns: UInt64 = 0
    /// Kept alive for as long as they are received.
    private var mailboxes: [AnyObject] = []

    package init() throws(Errno) {
        epoll = try Descriptor("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) }
        wakeup = try Descriptor("timerfd_create") {
            timerfd_create(CLOCK_BOOTTIME, CInt(TFD_CLOEXEC) | CInt(TFD_NONBLOCK))
        }
        // Edge-triggered: told once each time it goes off, so that it needs not be read.
        try retrying("epoll_ctl") {
            midihub_epoll_ctl(
                epoll.number, EPOLL_CTL_ADD, wakeup.number, EPOLLIN.rawValue | EPOLLET.rawValue, Self.wakeupID)
        }
    }
    /// No other registration has it: they begin with 1.
    private static let wakeupID: UInt64 = 0

    /// Calls `handler` whenever `number` is ready (level-triggered). The caller keeps the descriptor open until `unwatch`.
    @discardableResult
    package func watch(
        _ number: CInt, _ interest: Interest, _ handler: @escaping (Interest) -> Void
    ) throws(Errno) -> Registration {
        let id = makeID()
        try retrying("epoll_ctl") {
            midihub_epoll_ctl(epoll.number, EPOLL_CTL_ADD, number, interest.rawValue, id)
        }
        watched[id] = Watched(number: number, handler: handler)
        return Registration(id: id)
    }

    /// Changes what a watched descriptor is waited for.
    package func change(_ registration: Registration, to interest: Interest) {
        guard let entry = watched[registration.id] else { return }
        _ = midihub_epoll_ctl(epoll.number, EPOLL_CTL_MOD, entry.number, interest.rawValue, registration.id)
    }

    /// Stops watching; call before the descriptor is closed.
    package func unwatch(_ registration: Registration) {
        guard let entry = watched.removeValue(forKey: registration.id) else { return }
        _ = midihub_epoll_ctl(epoll.number, EPOLL_CTL_DEL, entry.number, 0, 0)
    }

    /// Runs `work` once after `delay`.
    @discardableResult
    package func after(_ delay: Duration, _ work: @escaping () -> Void) -> TimerID {
        at(.now.advanced(by: delay), work)
    }

    /// Runs `work` once at `instant`, or as soon as it can. Of two for the same instant, the first one asked for comes first.
    @discardableResult
    package func at(_ instant: ContinuousClock.Instant, _ work: @escaping () -> Void) -> TimerID {
        let id = makeID()
        let index = timers.firstIndex { $0.at <= instant } ?? timers.endIndex
        timers.insert(Planned(at: instant, id: id, work: work), at: index)
        return TimerID(id: id)
    }

    /// A timer that is set again and again, without allocation. Unset at first; it lives as long as the loop.
    package func alarm(_ work: @escaping () -> Void) -> Alarm {
        let alarm = Alarm(work)
        alarms.append(alarm)
        return alarm
    }

    /// Runs `work` every `interval`, the first time after one interval, until the loop ends.
    package func every(_ interval: Duration, _ work: @escaping () -> Void) {
        after(interval) { [unowned self] in
            work()
            every(interval, work)
        }
    }

    package func cancel(_ timer: TimerID) { timers.removeAll { $0.id == timer.id } }

    /// Hands each message of `mailbox` to `handler`, on this thread, in the order sent.
    package func receive<Message>(_ mailbox: Mailbox<Message>, _ handler: @escaping (Message) -> Void) throws(Errno) {
        mailboxes.append(mailbox)
        try watch(mailbox.wakeup.number, .read) { _ in
            for message in mailbox.drain() { handler(message) }
        }
    }

    /// Runs until `stop()`. Handlers may run nested loops' worth of work but never call `run`.
    package func run() throws(Errno) {
        running = true
        let capacity = 256
        let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: capacity)
        defer { events.deallocate() }
        while running {
            let patience = planWakeup()
            let ready = try retrying("epoll_wait") { epoll_wait(epoll.number, events, CInt(capacity), patience) }
            turns &+= 1
            for index in 0..<Int(ready) {
                let entry = events[index]
                let id = withUnsafePointer(to: entry) { midihub_epoll_data($0) }
                if id == Self.wakeupID { planned = nil }
                watched[id]?.handler(Interest(rawValue: entry.events))
                if !running { return }
            }
            // Read once: what is planned by this work, however soon, comes after what the descriptors bring.
            let now = ContinuousClock.now
            while running, let next = timers.last, next.at <= now {
                timers.removeLast()
                next.work()
            }
            for alarm in alarms where running {
                guard let due = alarm.due, due <= now else { continue }
                alarm.due = nil
                alarm.work()
            }
        }
    }

    package func stop() { running = false }

    private func makeID() -> UInt64 {
        defer { nextID += 1 }
        return nextID
    }

    /// Sees to it that the loop wakes up for the earliest timer or alarm. What epoll_wait(2) is to be told: -1, to wait for
    /// whatever comes, or 0 where that time has come already.
    private func planWakeup() -> CInt {
        var next = timers.last?.at
        for alarm in alarms {
            if let due = alarm.due { next = next.map { min($0, due) } ?? due }
        }
        guard next != planned else { return -1 }
        if let next, next <= .now { return 0 }
        setWakeup(next)
        return -1
    }

    private func setWakeup(_ instant: ContinuousClock.Instant?) {
        var setting = itimerspec()
        if let instant {
            let (seconds, attoseconds) = Self.clockZero.duration(to: instant).components
            // A nanosecond more where some of one is cut off.
            setting.it_value = timespec(
                tv_sec: Int(seconds), tv_nsec: min(Int(attoseconds / 1_000_000_000) + 1, 999_999_999))
        }
        timerfd_settime(wakeup.number, CInt(TFD_TIMER_ABSTIME), &setting, nil)
        planned = instant
    }

    /// When CLOCK_BOOTTIME was 0, which is the clock that `ContinuousClock` reads. Between two readings time passes, most of
    /// all where another thread has its turn, so the quickest pair of a few is taken.
    private static let clockZero = (0..<8).map { _ in ContinuousClock.now - .nanoseconds(SystemTime.bootNanoseconds) }
        .max()!  // of eight
}

/// A timer of one `EventLoop` that is set again and again; due once each time.
package final class Alarm {
    package var due: ContinuousClock.Instant?
    fileprivate let work: () -> Void
    fileprivate init(_ work: @escaping () -> Void) { self.work = work }
}

extension Duration {
    /// Whole milliseconds, rounded up so that a wait of this length does not end too early.
    package var milliseconds: Int64 {
        components.seconds * 1000 + (components.attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}

/// Messages from any thread to the one whose `EventLoop` receives them: an eventfd(2) and a queue behind a lock.
package final class Mailbox<Message: Sendable>: Sendable {
    fileprivate let wakeup: Descriptor
    private let waiting = Mutex<[Message]>([])

    package init() throws(Errno) {
        wakeup = try Descriptor("eventfd") { eventfd(0, CInt(EFD_CLOEXEC | EFD_NONBLOCK)) }
    }

    package func send(_ message: Message) {
        let first = waiting.withLock { queue in
            queue.append(message)
            return queue.count == 1
        }
        if first { _ = eventfd_write(wakeup.number, 1) }
    }

    fileprivate func drain() -> [Message] {
        var count: eventfd_t = 0
        _ = eventfd_read(wakeup.number, &count)
        return waiting.withLock { queue in
            defer { queue = [] }
            return queue
        }
    }
}
