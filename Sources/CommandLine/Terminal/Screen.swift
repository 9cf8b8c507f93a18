import Glibc
import Linux

/// The whole of the terminal, drawn again in place: a screen of its own without cursor, and `close` restores the
/// terminal as it was.
final class Screen {
    private var before = termios()
    private var isOpen = false
    /// Whether keys can be read.
    private let hasKeys = isatty(0) == 1

    /// Columns and rows of the terminal; nil where standard output is no terminal.
    static var size: (width: Int, height: Int)? {
        var size = winsize()
        guard isatty(1) == 1 else { return nil }
        guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    func open() {
        guard !isOpen else { return }
        isOpen = true
        if hasKeys, tcgetattr(0, &before) == 0 {
            var raw = before
            // Keys at once and unseen; Ctrl-C goes on being a signal.
            raw.c_lflag &= ~tcflag_t(ICANON | ECHO)
            tcsetattr(0, TCSADRAIN, &raw)
        }
        // Another screen, no cursor, and lines that end at the edge: a name that is wider than counted shifts nothing.
        write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l\u{1B}[2J")
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        write("\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l")
        if hasKeys { tcsetattr(0, TCSADRAIN, &before) }
    }

    func draw(_ lines: [String]) {
        write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K" }.joined(separator: "\r\n") + "\u{1B}[J")
    }

    /// Errors are ignored: there is nothing else that could be done about them.
    private func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(1, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
