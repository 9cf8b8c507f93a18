import Linux
import Synchronization

/// A thread that goes before other programs, where the machine allows that: who plays and hears must not be later than the
/// engines.
enum RealTimeThread {
    static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        let result = Mutex<Result<Value, any Error>?>(nil)
        let thread = try WorkerThread("player") {
            RealTime.askForThisThread()
            let value = Result { try body() }
            result.withLock { $0 = value }
        }
        thread.join()
        return try result.withLock { $0! }.get()  // the thread has set it
    }
}
