import Dispatch
import Glibc
import Hub
import Linux
import TestSupport
import Testing

@Suite struct HubLockTests {
    private let directory = TemporaryDirectory()
    private var state: StateDirectory { StateDirectory(directory.path) }

    /// The holder's process id, or nil.
    private var holder: Int32? { HubLock.holder(state)?.pid }

    @Test func `one hub holds a state directory, and the lock names it`() throws {
        #expect(holder == nil)
        do {
            guard let lock = try HubLock.acquire(state) else {
                Issue.record("nobody holds it")
                return
            }
            if try HubLock.acquire(state) != nil { Issue.record("it was taken twice") }
            #expect(holder == getpid())
            let me = try #require(ProcessIdentity(of: getpid()))
            #expect(File.text(state.lock) == "\(me.pid) \(me.startTime)\n")
            _ = consume lock
        }
        #expect(holder == nil, "what it says is of a hub that has ended")
        if try HubLock.acquire(state) == nil { Issue.record("it is free again") }
    }

    @Test func `one who looks after what a hub has left is waited for`() throws {
        let (path, isHeld) = (state.lock, DispatchSemaphore(value: 0))
        let holder = try WorkerThread("holder") {
            let other = try? FileLock(path)
            isHeld.signal()
            usleep(50_000)  // it ends while the one below waits
            _ = consume other
        }
        isHeld.wait()
        if try HubLock.acquire(state) == nil { Issue.record("it was not waited for") }
        holder.join()
    }

    @Test func `why no hub answers is told in text`() throws {
        #expect(HubLock.whyNoAnswer(state).hasPrefix("no hub runs on \(state.path)"))
        guard let lock = try HubLock.acquire(state) else {
            Issue.record("nobody holds it")
            return
        }
        #expect(HubLock.whyNoAnswer(state).contains("pid \(getpid()), is just beginning or ending"))
        directory.write("hub.sock", "")
        #expect(HubLock.whyNoAnswer(state).contains("runs but does not answer"))
        _ = consume lock
    }

    /// Contents of a lock file that are stale, half written, or about a process whose number is another's now.
    @Test(arguments: ["", "\n", "12", "1 1\n", "0 0\n", "-1 5\n", "999999999 1\n", "PID TIME\n", "{\"pid\": 1}"])
    func `a holder is believed only where its text are those of a running process`(text: String) throws {
        guard let lock = try HubLock.acquire(state) else {
            Issue.record("nobody holds it")
            return
        }
        try lock.write(text)
        #expect(holder == nil)
        // This process's number, started at another time.
        try lock.write("\(getpid()) 1\n")
        #expect(holder == nil)
    }

    @Test func `the log of a hub in the background is set aside once it is long`() throws {
        HubLog.rotate(state)
        directory.write("hub.log", "short\n")
        HubLog.rotate(state)
        #expect(names(in: directory.path) == ["hub.log"])
        directory.write("hub.log", [UInt8](repeating: 0x20, count: (4 << 20) + 1))
        HubLog.rotate(state)
        #expect(names(in: directory.path) == ["hub.log.1"])
    }
}
