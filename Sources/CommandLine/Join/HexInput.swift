import Glibc
import Hub
import Linux
import MIDI

/// Standard input as lines of MIDI messages in hex. It is read only between `resume` and `pause`, so that otherwise the
/// writer blocks.
final class HexInput {
    var onMessages: ([[UInt8]]) -> Void = { _ in }

    private let loop: EventLoop
    private var registration: EventLoop.Registration?
    private var timer: EventLoop.TimerID?
    private var isFlowing = false
    private var hasEnded = false
    private var line: [UInt8] = []
    private var number = 0
    private var isTooLong = false
    /// Enough for a system exclusive message of 64 KiB with blanks.
    private static let longestLine = 256 << 10

    init(loop: EventLoop) { self.loop = loop }

    func resume() {
        guard !isFlowing, !hasEnded else { return }
        isFlowing = true
        do throws(Errno) {
            registration = try loop.watch(0, .read) { [unowned self] _ in read() }
        } catch {
            // A file, which epoll(7) does not take, and which never makes us wait. A descriptor that is closed gives an
            // error when it is read.
            readFile()
        }
    }

    func pause() {
        isFlowing = false
        if let registration { loop.unwatch(registration) }
        if let timer { loop.cancel(timer) }
        (registration, timer) = (nil, nil)
    }

    private func readFile() {
        timer = loop.after(.milliseconds(1)) { [unowned self] in
            read()
            if isFlowing { readFile() }
        }
    }

    /// One piece a turn of the loop: what stands in it is sent together.
    private func read() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(0, &buffer, buffer.count)
        if count < 0, [EINTR, EAGAIN].contains(errno) { return }
        var messages: [[UInt8]] = []
        if count > 0 {
            for octet in buffer[..<count] {
                if octet == 0x0A { endLine(&messages) } else { add(octet) }
            }
        } else {
            hasEnded = true
            pause()
            if !line.isEmpty { endLine(&messages) }
        }
        if !messages.isEmpty { onMessages(messages) }
    }

    private func add(_ octet: UInt8) {
        if line.count < Self.longestLine { line.append(octet) } else { isTooLong = true }
    }

    private func endLine(_ messages: inout [[UInt8]]) {
        number += 1
        do throws(MIDIText.Trouble) {
            if isTooLong { throw .tooLong }
            messages += try MIDIText.messages(line)
        } catch {
            Output.complain("line \(number) is not sent: \(error)")
        }
        line = []
        isTooLong = false
    }
}

/// A line of hex: "90 3c 64", "903C64 803c40"; empty lines and lines that begin with # are skipped.
enum MIDIText {
    enum Trouble: Error, Equatable, CustomStringConvertible {
        case notHex
        case tooLong
        case notMIDI(MIDIBytesError)

        var description: String {
            switch self {
            case .notHex: "it must be pairs of hex digits"
            case .tooLong: "it is too long"
            case .notMIDI(let error): error.description
            }
        }
    }

    static func messages(_ line: some Sequence<UInt8>) throws(Trouble) -> [[UInt8]] {
        var octets: [UInt8] = []
        var high: UInt8?
        for character in line {
            if character == UInt8(ascii: "#"), octets.isEmpty, high == nil { return [] }
            if [0x20, 0x09, 0x0D].contains(character) {
                // Between pairs only.
                guard high == nil else { throw .notHex }
                continue
            }
            guard let digit = Character(UnicodeScalar(character)).hexDigitValue else { throw .notHex }
            if let first = high {
                octets.append(first << 4 | UInt8(digit))
                high = nil
            } else {
                high = UInt8(digit)
            }
        }
        guard high == nil else { throw .notHex }
        do throws(MIDIBytesError) {
            return try MIDIBytes.split(octets)
        } catch { throw .notMIDI(error) }
    }
}
