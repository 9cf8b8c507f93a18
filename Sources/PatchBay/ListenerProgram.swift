import CALSA
import Glibc
import Linux

/// The listener: a process of its own that does nothing but take what participants play out of the kernel's hands, so that
/// a hub that is slow, stopped or hung refuses nobody. rtpmidid is told of each event that one of its hearers cannot take,
/// and throws away what others have played meanwhile (`Listener` is the hub's end of it).
///
/// Standard input is the tap's sequencer device, opened by the hub, which keeps it open: subscriptions and what waits
/// there outlive the listener. Standard output is a socket to the hub: a beat says that the listener is ready, an octet
/// from there that it is to begin, and then the hub takes the events from it as they are.
package enum ListenerProgram {
    /// How often it says that it lives, where there is nothing else to say.
    package static let beat = Duration.milliseconds(200)
    /// Events kept while the hub takes none: a quarter of an hour at a thousand a second.
    private static let memory = 1 << 20
    private static let port: UInt8 = 0

    /// Listens until the hub is gone. False where no hub has started it.
    package static func run() -> Bool {
        let (device, socket): (CInt, CInt) = (0, 1)
        guard isOfType(S_IFCHR, device), isOfType(S_IFSOCK, socket) else { return false }
        // Whoever ends the hub may signal all its processes, and the hub needs the listener to the last.
        Signals.ignore([SIGTERM, SIGINT, SIGHUP])
        Signals.continueWithoutParent()
        RealTime.askForThisThread()

        var backlog = Backlog(capacity: memory)
        backlog.beat()
        backlog.write(to: socket)
        awaitTheHubsWord(socket)
        var isOpen = true
        var nextBeat = ContinuousClock.now
        var waits = (pollfd(fd: device, events: Int16(POLLIN), revents: 0), pollfd(fd: socket, events: 0, revents: 0))
        let broken = Int16(POLLERR | POLLHUP | POLLNVAL)
        while isOpen {
            waits.1.events = backlog.isEmpty ? 0 : Int16(POLLOUT)
            let timeout = CInt(clamping: max(0, ContinuousClock.now.duration(to: nextBeat).milliseconds))
            _ = withUnsafeMutablePointer(to: &waits) {
                $0.withMemoryRebound(to: pollfd.self, capacity: 2) { poll($0, 2, timeout) }
            }
            guard waits.0.revents & broken == 0, waits.1.revents & broken == 0 else { break }
            if waits.0.revents & Int16(POLLIN) != 0 { isOpen = backlog.read(from: device) }
            if nextBeat <= .now {
                if backlog.isEmpty { backlog.beat() }
                nextBeat = .now.advanced(by: beat)
            }
            backlog.write(to: socket)
        }
        // Before the client closes: a sender to a closing client gets an error.
        midihub_alsa_end_subscriptions(device, port)
        return true
    }

    /// Not for long: a hub that says nothing hangs, and then nobody reads the device.
    private static func awaitTheHubsWord(_ socket: CInt) {
        var wait = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, CInt(clamping: beat.milliseconds)) > 0 else { return }
        var octet: UInt8 = 0
        _ = read(socket, &octet, 1)
    }

    private static func isOfType(_ type: UInt32, _ descriptor: CInt) -> Bool {
        var facts = stat()
        return fstat(descriptor, &facts) == 0 && facts.st_mode & S_IFMT == type
    }
}
