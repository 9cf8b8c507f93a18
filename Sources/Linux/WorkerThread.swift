import CLinux
import Glibc

/// A POSIX thread of our own, for loops that block: the concurrency pool must not.
package struct WorkerThread: ~Copyable {
    private let handle: pthread_t

    /// Starts `body` on a new thread. `name` is cut at 15 bytes (pthread_setname_np(3)).
    package init(_ name: String, _ body: sending @escaping () -> Void) throws(Errno) {
        final class Box {
            let name: String
            let body: () -> Void
            init(_ name: String, _ body: @escaping () -> Void) {
                self.name = name
                self.body = body
            }
        }
        let box = Unmanaged.passRetained(Box(String(decoding: name.utf8.prefix(15), as: UTF8.self), body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { raw in
                let box = Unmanaged<Box>.fromOpaque(raw!).takeRetainedValue()  // the pointer passed below
                _ = midihub_pthread_setname(pthread_self(), box.name)
                box.body()
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            box.release()
            throw Errno(code: code, call: "pthread_create", thing: name)
        }
        handle = thread
    }

    /// Waits until the thread's body has returned.
    package consuming func join() { pthread_join(handle, nil) }

    /// Lets it end by itself, whenever that is.
    package consuming func detach() { pthread_detach(handle) }
}
