import Foundation
import Glibc
import Linux
import Store
import Synchronization

/// What commands print: text for people, with strangers' names made harmless for a terminal.
enum Output {
    /// A full disk under `hub.log`, or a reader that is gone, must not end the program: what cannot be said is not said.
    static func line(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data("\(text)\n".utf8))
    }

    static func complain(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data("midihub: \(text)\n".utf8))
    }

    static func notRunning(_ state: StateDirectory) -> ExitCode {
        complain(HubLock.whyNoAnswer(state))
        return .no
    }

    static func strangeAnswer() -> ExitCode {
        complain("the hub's answer was not understood: is it another version?")
        return .bug
    }

    /// Where the page is: with the token in its fragment on a terminal, elsewhere only with the name of the token's file.
    static func page(_ address: String, _ state: StateDirectory) -> String {
        guard let token = File.text(state.token, limit: 4096)?.split(separator: "\n").first else {
            return "Page: \(address) (its token: as configured)"
        }
        return isatty(1) == 1 ? "Page: \(address)#token=\(token)" : "Page: \(address) (its token: \(state.token))"
    }

    /// Control characters (escape codes among them) and direction overrides shown, never sent to the terminal.
    static func safe(_ name: String) -> String {
        var result = ""
        for scalar in name.unicodeScalars {
            let isControl = scalar.value < 32 || (127...159).contains(scalar.value)
            let isDirection = (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
            if isControl || isDirection {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Local date and time.
    static func time(_ unixMilliseconds: Int64) -> String {
        var seconds = time_t(unixMilliseconds / 1000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return String(
            format: "%04d-%02d-%02d %02d:%02d:%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
            parts.tm_hour,
            parts.tm_min, parts.tm_sec)
    }

    static func database(_ state: StateDirectory) -> Database? {
        guard File.exists(state.database) else {
            complain("nothing was recorded in \(state.path) yet")
            return nil
        }
        do throws(StoreError) {
            return try Database(path: state.database)
        } catch {
            complain("\(state.database): \(Recorder.words(for: error))")
            return nil
        }
    }
}

/// Runs an asynchronous piece of work from a synchronous place: the command line and start-up, never a loop.
func blocking<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) -> Value {
    let result = Mutex<Value?>(nil)
    let done = DispatchSemaphore(value: 0)
    Task {
        let value = await work()
        result.withLock { $0 = value }
        done.signal()
    }
    done.wait()
    return result.withLock { $0! }  // set before the signal that ended the wait
}
