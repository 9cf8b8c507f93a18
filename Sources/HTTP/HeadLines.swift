import Glibc

/// The lines of a message's head as its bytes come, of requests and of answers (RFC 9112 sections 2.2 and 5). Each byte is
/// looked at once, however small the pieces, so a peer that sends byte by byte costs no more than one that does not.
///
/// Stricter than the RFC: lines end in CR LF only, and there are no folded headers.
struct HeadLines: Sendable {
    private(set) var bytes: [UInt8] = []
    /// Where the line under way begins.
    private(set) var start = 0
    /// Up to here there is no LF in it.
    private var scanned = 0

    mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }

    mutating func append(_ more: ArraySlice<UInt8>) { bytes += more }

    /// Where the LF of the line under way is, once it is there.
    mutating func findEnd() -> Int? {
        let found = bytes.withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress, scanned < bytes.count,
                let hit = memchr(base + scanned, 0x0A, bytes.count - scanned)
            else { return nil }
            return UnsafeRawPointer(hit) - base
        }
        if found == nil { scanned = bytes.count }
        return found
    }

    /// The line under way, which ends at that LF, without its CR LF; the next one begins after it.
    mutating func cut(at end: Int) throws(Refusal) -> Range<Int> {
        guard end > start, bytes[end - 1] == UInt8(ascii: "\r") else {
            throw Refusal(.badRequest, "Lines must end in CR LF, not in LF alone.")
        }
        let line = start..<(end - 1)
        start = end + 1
        scanned = start
        return line
    }

    /// `name ":" OWS value OWS`.
    func field(_ line: Range<Int>) throws(Refusal) -> (name: Range<Int>, value: Range<Int>) {
        guard bytes[line.lowerBound] != 0x20, bytes[line.lowerBound] != 0x09 else {
            throw Refusal(.badRequest, "A header line must not begin with a space: folded headers are not accepted.")
        }
        guard let colon = bytes[line].firstIndex(of: UInt8(ascii: ":")) else {
            throw Refusal(.badRequest, "A header line has no colon.")
        }
        let name = line.lowerBound..<colon
        guard !name.isEmpty, bytes[name].allSatisfy(Grammar.isToken) else {
            throw Refusal(.badRequest, "A header name is empty or has a character that it must not have.")
        }
        let value = Grammar.trimmed(colon + 1..<line.upperBound, of: bytes)
        guard bytes[value].allSatisfy(Grammar.isFieldText) else {
            throw Refusal(.badRequest, "A header value has a control character.")
        }
        return (name, value)
    }

    /// The header section that began there and has just ended with its empty line, which is left out.
    func headers(from sectionStart: Int, fields: [Headers.Field]) -> Headers {
        Headers(bytes: Array(bytes[sectionStart..<start - 2]), fields: fields)
    }

    /// Goes on at `index`, which becomes the start of the next line, and returns its new index: the buffer is emptied
    /// where nothing follows.
    mutating func skip(to index: Int) -> Int {
        if index == bytes.count {
            // An idle connection should not hold on to what one large request needed.
            bytes.removeAll(keepingCapacity: bytes.capacity <= 4096)
            start = 0
        } else {
            start = index
        }
        scanned = start
        return start
    }

    mutating func removeFirst(_ count: Int) {
        bytes.removeFirst(count)
        start -= count
        scanned -= count
    }
}
