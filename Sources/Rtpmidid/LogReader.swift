//  Module Rtpmidid: what the daemon rtpmidid says, answers and needs, in every version. Start here, then
//  `JoinTracker.swift` (who is there), `StatusReply.swift` (what it answers), `RtpmididVersion+Traits.swift`,
//  `RtpmididLaunch.swift`.
//
//  What it is: bytes of its log and replies to values, and which of these to believe. What it refuses to be: a process, a
//  socket or a file (module Hub runs the daemon), or trustful: names in the log are the participants' choice.
//  Ruled by Rtpmidid.docc, which has what was observed of six releases.

/// Reads rtpmidid's log as it grows: bytes in, facts out.
///
/// It takes whole lines only; half a line waits in the caller's buffer. Strict on purpose: a record must match from its
/// first to its last byte, because participants choose their names and a newline in a name splits a record into lines of
/// the participant's own making. Whatever name a participant takes, at least one line of its invitation is then told as
/// `malformed`, or as `cutSuspected`:
/// - An invitation has the name twice, with `initiator_id` between. Its first line is whole only if the name itself
///   brings an `initiator_id`; then the line with the daemon's own one holds two, and no line may hold two.
/// - Only where the daemon cuts the record off (about 1 kB) is its own `initiator_id` missing; then the lines add up to
///   that limit, to the byte.
package struct LogReader: Sendable {
    /// A line longer than this is malformed. The caller's buffer must hold one byte more.
    package static let longestLine = 65_536
    /// How much of a line is kept in a fact's text.
    package static let longestText = 1_024
    /// Where 24.12 and 26.01 cut a record, without the newline and, for a coloured one, without the 7 bytes of colour.
    static let recordLimit = 1_012

    /// Where the next unread byte stands in the stream.
    package private(set) var offset: UInt64
    /// Learnt from the first record unless given; records in other formats are malformed from then on.
    package private(set) var format: LogFormat?
    private var skipping = false
    /// Where the latest invitations begin, newest last; as many as fit into one cut record.
    private var invitations: [UInt64] = []

    /// `offset` is the place in the stream of the first byte that will be read, and must be the start of a line.
    package init(at offset: UInt64 = 0, format: LogFormat? = nil) {
        self.offset = offset
        self.format = format
    }

    /// Reads the whole lines in `bytes`, which continue where the last call stopped, and returns how many bytes it took.
    /// The range of a fact is its line in the stream, newline included.
    package mutating func read(_ bytes: UnsafeRawBufferPointer, emit: (LogFact, Range<UInt64>) -> Void) -> Int {
        guard let base = bytes.baseAddress else { return 0 }
        var taken = 0
        while taken < bytes.count {
            var end = taken
            while end < bytes.count, base.load(fromByteOffset: end, as: UInt8.self) != 0x0a { end += 1 }
            let complete = end < bytes.count
            if skipping {
                skipping = !complete
                advance(from: &taken, to: complete ? end + 1 : end)
                continue
            }
            if end - taken > Self.longestLine {
                let text = LineCursor(base, taken..<end).text
                emit(.malformed(text), offset..<(offset + UInt64(Self.longestLine)))
                skipping = !complete
                advance(from: &taken, to: complete ? end + 1 : end)
                continue
            }
            guard complete else { break }
            let range = offset..<(offset + UInt64(end + 1 - taken))
            let fact = fact(of: LineCursor(base, taken..<end))
            emit(fact, range)
            if format == .levelled { watchForCut(fact, range, emit) }
            advance(from: &taken, to: end + 1)
        }
        return taken
    }

    /// The same for an array.
    package mutating func read(_ bytes: [UInt8], emit: (LogFact, Range<UInt64>) -> Void) -> Int {
        bytes.withUnsafeBytes { read($0, emit: emit) }
    }

    private mutating func advance(from taken: inout Int, to end: Int) {
        offset += UInt64(end - taken)
        taken = end
    }

    private mutating func watchForCut(
        _ fact: LogFact, _ range: Range<UInt64>, _ emit: (LogFact, Range<UInt64>) -> Void
    ) {
        if !invitations.isEmpty {
            let limit = UInt64(Self.recordLimit) + 1
            if invitations.contains(where: { $0 + limit == range.upperBound }) { emit(.cutSuspected, range) }
            invitations.removeAll { $0 + limit <= range.upperBound }
        }
        if case .invitation = fact { invitations.append(range.lowerBound) }
    }

    /// What one line says, its newline left out.
    private mutating func fact(of line: LineCursor) -> LogFact {
        if line.isEmpty { return .noise }
        if let fact = runtimeFact(of: line) { return fact }
        var rest = line
        guard let header = LogHeader(taking: &rest) else {
            return format != .levelled && isDump(line) ? .noise : .malformed(line.text)
        }
        guard format == nil || format == header.format else { return .malformed(line.text) }
        format = header.format
        if header.format == .levelled {
            let isCut = line.count == Self.recordLimit + (header.isColoured ? 7 : 0) || line.count == Self.recordLimit
            return LevelledGrammar.fact(of: line, header: header, message: rest, isCut: isCut)
        }
        return PlainGrammar.fact(of: line, message: rest)
    }

    /// Hex dumps of packets that 21.07 to 23.10 did not understand: two colour codes, then the bytes as hex digits or as
    /// letters in groups of four.
    private func isDump(_ line: LineCursor) -> Bool {
        var rest = line
        guard rest.consume("\u{1b}[1;34m\u{1b}[0m"), rest.count <= 56 else { return false }
        rest.consume { 0x20...0x7e ~= $0 }
        return rest.isEmpty
    }
}
