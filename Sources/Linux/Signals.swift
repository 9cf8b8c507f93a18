import CLinux
import Glibc

/// Signals as a descriptor (signalfd(2)), so that an `EventLoop` handles them between other events, never inside them.
package struct SignalDescriptor: ~Copyable {
    private let descriptor: Descriptor
    package var number: CInt { descriptor.number }

    /// Blocks the signals in this thread (call before other threads start: they inherit the mask) and collects them here.
    package init(_ signals: [CInt]) throws(Errno) {
        midihub_block_signals(signals, CInt(signals.count), SIG_BLOCK)
        descriptor = try Descriptor("signalfd") { midihub_signalfd(signals, CInt(signals.count)) }
    }

    /// The next signal that has arrived, or nil.
    package func next() -> CInt? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        return read(descriptor.number, &info, size) == size ? CInt(bitPattern: info.ssi_signo) : nil
    }
}

package enum Signals {
    /// Blocks them in this thread and those that it starts, so that another thread gets them.
    package static func block(_ signals: [CInt]) { midihub_block_signals(signals, CInt(signals.count), SIG_BLOCK) }

    /// A write to a closed pipe or socket then returns an error instead of ending the process. Inherited by children,
    /// which rtpmidid needs.
    package static func ignorePipe() { midihub_ignore_signal(SIGPIPE) }

    package static func ignore(_ signals: [CInt]) { for signal in signals { midihub_ignore_signal(signal) } }

    /// If this process is stopped when the thread that started it ends, it is continued (PR_SET_PDEATHSIG), so that it can
    /// end: nobody else would continue it.
    package static func continueWithoutParent() { midihub_signal_at_parents_end(SIGCONT) }
}
