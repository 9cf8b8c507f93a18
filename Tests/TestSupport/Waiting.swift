import Glibc
package import Linux

/// What a test waited for in vain.
package struct WaitedInVain: Error, CustomStringConvertible {
    package let description: String
}

/// Waits until `condition` holds, looking every 20 ms; fails with what it waited for and, where given, with what was seen
/// instead. The only place in the tests that sleeps. Limits are for what never comes: choose them for an emulated machine,
/// which is ten times slower.
package func eventually(
    within limit: Duration = .seconds(30), _ what: String, seen: @autoclosure () -> String = "",
    _ condition: () throws -> Bool
) throws {
    _ = try awaited(within: limit, what, seen: seen()) { try condition() ? true : nil }
}

/// As `eventually`, for something that appears: the first value that is not nil.
package func awaited<Value>(
    within limit: Duration = .seconds(30), _ what: String, seen: @autoclosure () -> String = "",
    _ value: () throws -> Value?
) throws -> Value {
    let end = ContinuousClock.now + limit
    while true {
        if let value = try value() { return value }
        if ContinuousClock.now >= end {
            let instead = seen()
            throw WaitedInVain(
                description: "waited \(limit) in vain: \(what)" + (instead.isEmpty ? "" : "; seen: \(instead)"))
        }
        usleep(20_000)
    }
}

extension EventLoop {
    /// Runs the loop until `condition` holds; fails as `eventually` does.
    package func run(
        until what: String, within limit: Duration = .seconds(30), seen: @autoclosure () -> String = "",
        _ condition: () -> Bool
    ) throws {
        try eventually(within: limit, what, seen: seen()) {
            run(for: .milliseconds(5))
            return condition()
        }
    }

    /// Runs the loop for a while, to see that nothing happens in it.
    package func run(for duration: Duration) {
        after(duration) { [unowned self] in stop() }
        do throws(Errno) { try run() } catch { fatalError("\(error)") }
    }
}
