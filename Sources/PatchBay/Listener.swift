import CALSA
import Glibc
import Linux
import Sequencer

/// The hub's end of the listener (`ListenerProgram`): starts and ends the process, and hands out what it has heard. Lives
/// on the patch bay's thread.
///
/// The tap's client is opened here and read there, by an inherited descriptor. Until the process has said that it is
/// ready, and been told to begin, it is read here: so another can take the place of one that has ended while nothing is
/// refused.
final class Listener {
    enum Outcome {
        case everything
        /// The listener is late: what was sent may not have been seen yet.
        case late
        /// Nobody listens (any more).
        case ended
    }

    private let program: ChildProgram
    private let tap: SequencerHandle
    private let port: UInt8
    private let timeout: Duration

    private struct Process: ~Copyable {
        let pid: Int32
        let socket: Descriptor
    }
    private var process: Process?
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: SequencerHandle.readSize, alignment: 16)
    /// Octets in the buffer: the beginning of an event.
    private var filled = 0
    /// The last mark that was sent to the tap's port, and the last that has come back.
    private var marks: (sent: UInt32, seen: UInt32) = (0, 0)
    /// It has not returned a mark in time, and nothing has been heard of it since.
    private var isLate = false
    /// It is ready and has been told to begin.
    private(set) var hasBegun = false
    /// When it was last heard, or started.
    private(set) var heardAt = ContinuousClock.now
    /// Its silence has been tolerated once since it was last heard.
    var isExcused = false

    /// `tap`: a client that is read by nobody else; `timeout`: how long a mark may take to come back.
    init(_ program: ChildProgram, tap: SequencerHandle, port: UInt8, timeout: Duration) {
        (self.program, self.tap, self.port, self.timeout) = (program, tap, port, timeout)
    }

    deinit {
        end { _ in }
        buffer.deallocate()
    }

    /// To be watched for reading, between `start` and `end`, and until it has begun the tap's own too.
    var descriptor: CInt? { process?.socket.number }

    func start() throws(Errno) {
        let pair = try Sockets.pair()
        let pid = try program.spawn(reading: tap.descriptor, writing: pair.theirs.number)
        process = Process(pid: pid, socket: pair.intoOurs())
        (filled, isLate, isExcused, hasBegun, heardAt) = (0, false, false, false, .now)
    }

    /// Ends the process, and hands out what it had still said.
    func end(_ body: (SequencerHandle.Received) -> Void) {
        guard let pid = process?.pid else { return }
        ChildProgram.kill(pid)
        while case .some = readOnce(body) {}
        process = nil
    }

    /// Hands out what has come; not all of it where there is much. False where it has ended.
    func hearSome(_ body: (SequencerHandle.Received) -> Void) -> Bool { readOnce(body) != .end }

    /// Hands out all that was sent to the tap before this call.
    func hearAll(_ body: (SequencerHandle.Received) -> Void) -> Outcome {
        guard let socket = process?.socket.number else { return .ended }
        // It is late already: do not wait again.
        if isLate {
            if readOnce(body) == .end { return .ended }
            if isLate { return .late }
        }
        marks.sent &+= 1
        // Not sent where the tap's queue is full.
        let isSent = tap.mark(marks.sent, at: port)
        while true {
            switch readOnce(body) {
            case .end: return .ended
            case .some: if isSent, marks.seen == marks.sent { return .everything }
            case .none:
                var wait = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
                let count = isSent && hasBegun ? poll(&wait, 1, CInt(clamping: timeout.milliseconds)) : 0
                if count < 0, errno == EINTR { continue }
                guard count <= 0 else { continue }
                isLate = true
                return .late
            }
        }
    }

    private enum Progress { case some, none, end }

    private func readOnce(_ body: (SequencerHandle.Received) -> Void) -> Progress {
        let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
        switch try? process?.socket.read(into: rest) {
        case .bytes(let count): filled += count
        case .again: return hasBegun ? .none : readTap(body)
        case .end, nil: return .end
        }
        (isLate, isExcused, heardAt) = (false, false, .now)
        if !hasBegun { begin() }
        handOut(body)
        return .some
    }

    /// Tells the listener to begin, by an octet of any value.
    private func begin() {
        hasBegun = true
        // If it has ended meanwhile, the next read shows it.
        _ = withUnsafeBytes(of: UInt8(1)) { octet in try? process?.socket.write(octet, socket: true) }
    }

    private func readTap(_ body: (SequencerHandle.Received) -> Void) -> Progress {
        switch Backlog.read(from: tap.descriptor, into: buffer.baseAddress!) {  // never empty
        case .octets(let count):
            filled = count
            handOut(body)
            return .some
        case .lost:
            body(.overflow)
            return .some
        case .nothing: return .none
        case .end: return .end
        }
    }

    private func handOut(_ body: (SequencerHandle.Received) -> Void) {
        var next = 0
        while next + Backlog.eventSize <= filled {
            handOut(buffer.loadUnaligned(fromByteOffset: next, as: snd_seq_event_t.self), body)
            next += Backlog.eventSize
        }
        filled -= next
        if next > 0, filled > 0 { memmove(buffer.baseAddress!, buffer.baseAddress! + next, filled) }  // never empty
    }

    private func handOut(_ event: snd_seq_event_t, _ body: (SequencerHandle.Received) -> Void) {
        if event.type == UInt8(SND_SEQ_EVENT_NONE.rawValue) {
            if event.tag == Backlog.Tag.gap.rawValue { body(.overflow) }
        } else if let mark = tap.mark(in: event) {
            marks.seen = mark
        } else {
            body(.input(SequencerHandle.input(event)))
        }
    }
}
