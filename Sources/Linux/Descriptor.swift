//  Module Linux: the system calls the hub needs, as Swift values. Start here.
//
// What it is: descriptors that close themselves, one epoll loop a thread, mailboxes between threads, sockets, child
// processes and their identity, inotify, locks, mapped files. What it refuses to be: portable, asynchronous, or a
// framework. Ruled by the man pages named at each declaration. Of the other modules Sequencer, PatchBay and Store alone
// call C libraries.

import CLinux
import Glibc

/// A failed system call: which call, on which thing, what the system said (errno(3)).
package struct Errno: Error, Hashable, Sendable, CustomStringConvertible {
    package let code: CInt
    package let call: String
    /// The path, address or process that the call was about; empty where the call says it all.
    package let thing: String

    package init(code: CInt, call: String, thing: String = "") {
        self.code = code
        self.call = call
        self.thing = thing
    }

    /// The system's word for the error, such as "Address already in use".
    package var reason: String { String(cString: strerror(code)) }

    package var description: String {
        thing.isEmpty ? "\(call): \(reason)" : "\(call) \(thing): \(reason)"
    }
}

/// Runs a call that answers -1 on failure, again while it is interrupted by a signal.
/// An errno that only our own bug can cause traps.
@discardableResult
package func retrying(_ call: String, _ thing: @autoclosure () -> String = "", _ body: () -> CInt) throws(Errno) -> CInt
{
    while true {
        let result = body()
        if result != -1 { return result }
        let code = midihub_errno()
        if code == EINTR { continue }
        precondition(code != EBADF && code != EFAULT, "\(call) on \(thing()): errno \(code) is our own bug")
        throw Errno(code: code, call: call, thing: thing())
    }
}

/// An owned file descriptor, closed when it goes out of scope. Hold it in a `final class` to keep several.
package struct Descriptor: ~Copyable, Sendable {
    package let number: CInt

    /// Takes the result of a call that opens: -1 throws.
    package init(_ call: String, _ thing: String = "", _ open: () -> CInt) throws(Errno) {
        number = try retrying(call, thing, open)
    }

    /// Takes over a descriptor that is already open.
    package init(owning number: CInt) { self.number = number }

    deinit { _ = close(number) }

    /// Leaves it open until the process ends.
    package consuming func keep() { discard self }

    /// What a read or write came to; `again` means that the descriptor would block.
    package enum Transfer: Equatable, Sendable {
        case bytes(Int)
        case again
        case end
    }

    /// read(2) into a buffer.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Transfer {
        while true {
            let count = Glibc.read(number, buffer.baseAddress, buffer.count)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .end }
            let code = midihub_errno()
            if code == EINTR { continue }
            if code == EAGAIN { return .again }
            throw Errno(code: code, call: "read")
        }
    }

    /// write(2), or for sockets send(2) without SIGPIPE.
    package func write(_ buffer: UnsafeRawBufferPointer, socket: Bool = false) throws(Errno) -> Transfer {
        while true {
            let count =
                socket
                ? send(number, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
                : Glibc.write(number, buffer.baseAddress, buffer.count)
            if count >= 0 { return .bytes(count) }
            let code = midihub_errno()
            if code == EINTR { continue }
            if code == EAGAIN { return .again }
            throw Errno(code: code, call: "write")
        }
    }

    /// Writes everything, for files and blocking sockets.
    package func writeAll(_ bytes: [UInt8], socket: Bool = false) throws(Errno) {
        var sent = 0
        while sent < bytes.count {
            var result = Result<Transfer, Errno>.success(.again)
            bytes.withUnsafeBytes { buffer in
                do throws(Errno) {
                    result = .success(try write(UnsafeRawBufferPointer(rebasing: buffer[sent...]), socket: socket))
                } catch { result = .failure(error) }
            }
            switch try result.get() {
            case .bytes(let count): sent += count
            case .again, .end: throw Errno(code: EAGAIN, call: "write")
            }
        }
    }
}
