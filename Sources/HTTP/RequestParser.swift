import Glibc
package import Linux

/// Bytes in, requests out (RFC 9112). Fed as bytes come; each line is looked at once, however small the pieces, so a peer
/// that sends byte by byte costs no more than one that does not. After `refuse` nothing more is asked of it.
///
/// Stricter than the RFC: lines end in CR LF only, no folded headers, no chunked bodies.
package struct RequestParser: Sendable {
    package enum Outcome: Sendable {
        /// Needs more bytes.
        case incomplete
        /// A whole request, taken off the front of the bytes.
        case request(Request)
        /// Not to be served: what to answer, in one sentence, before closing.
        case refuse(Status, String)
    }
    private enum Stage { case requestLine, fields, body }

    private let limits: Limits
    private var buffer: [UInt8] = []
    /// Where the request under way begins, its line under way, its header section; and up to where no LF was found.
    private var start = 0
    private var lineStart = 0
    private var fieldsStart = 0
    private var scanned = 0
    private var stage = Stage.requestLine
    private var head = RequestHead()
    private var target: Target?
    private var blankLineSkipped = false
    private var continueSaid = false
    /// What becomes of the connection after the last request that came out.
    package private(set) var persistence = Persistence.close

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Some of a request is there, but no more than that.
    package var hasBegun: Bool { start < buffer.count }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if start > 0 {
            buffer.removeFirst(start)
            head.move(by: -start)
            lineStart -= start
            fieldsStart -= start
            scanned -= start
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// True once a request, when its head is there, its body is not, and the peer waits to be told to send it
    /// (`Expect: 100-continue`, RFC 9110 section 10.1.1).
    package mutating func takeContinue() -> Bool {
        // Some of the body already here: the peer did not wait.
        guard stage == .body, head.expectsContinue, !continueSaid, buffer.count == lineStart else { return false }
        continueSaid = true
        return true
    }

    /// The next request, as far as the bytes go. Call until `incomplete`.
    package mutating func next(peer: Sockets.Address? = nil, viaSocket: Bool = false) -> Outcome {
        do throws(Refusal) {
            while true {
                switch stage {
                case .requestLine:
                    guard let line = try takeRequestLine() else { return .incomplete }
                    if line.isEmpty, !blankLineSkipped {
                        // One empty line before a request is forgiven (RFC 9112 section 2.2).
                        blankLineSkipped = true
                        start = lineStart
                        continue
                    }
                    try head.readRequestLine(line, of: buffer, limits: limits)
                    fieldsStart = lineStart
                    stage = .fields
                case .fields:
                    guard let line = try takeFieldLine() else { return .incomplete }
                    if line.isEmpty {
                        target = try head.finish(of: buffer, limits: limits)
                        stage = .body
                    } else {
                        try head.readField(line, of: buffer, base: fieldsStart)
                    }
                case .body:
                    guard buffer.count - lineStart >= head.contentLength, let target else { return .incomplete }
                    return .request(take(target, peer: peer, viaSocket: viaSocket))
                }
            }
        } catch {
            return .refuse(error.status, error.sentence)
        }
    }

    private mutating func takeRequestLine() throws(Refusal) -> Range<Int>? {
        if lineStart < buffer.count { try judgeFirstByte(buffer[lineStart]) }
        let end = findLineFeed()
        // One less for the CR that may be there.
        if (end ?? buffer.count) - lineStart - 1 > limits.targetBytes + RequestHead.lineOverhead {
            guard buffer[lineStart...].prefix(RequestHead.longestMethod + 1).contains(0x20) else {
                throw Refusal(.badRequest, "The request does not begin with a method.")
            }
            throw Refusal(.targetTooLong, "The request target is longer than \(limits.targetBytes) bytes.")
        }
        return try end.map { end throws(Refusal) in try cutLine(at: end) }
    }

    /// What is certainly no HTTP is told so at once, instead of after the time for a request.
    private func judgeFirstByte(_ byte: UInt8) throws(Refusal) {
        if Grammar.isToken(byte) || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") { return }
        // The type of a TLS handshake record (RFC 8446 section 5.1).
        let tls = byte == 0x16
        throw Refusal(
            .badRequest,
            tls ? "This port speaks plain HTTP, not HTTPS." : "The request does not begin with a method.")
    }

    private mutating func takeFieldLine() throws(Refusal) -> Range<Int>? {
        let end = findLineFeed()
        guard (end.map { $0 + 1 } ?? buffer.count) - fieldsStart <= limits.headerBytes else {
            throw Refusal(.headersTooLarge, "The headers are larger than \(limits.headerBytes) bytes.")
        }
        return try end.map { end throws(Refusal) in try cutLine(at: end) }
    }

    /// Where the line under way ends, looking only at bytes not looked at before.
    private mutating func findLineFeed() -> Int? {
        let found = buffer.withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress, scanned < bytes.count,
                let hit = memchr(base + scanned, 0x0A, bytes.count - scanned)
            else { return nil }
            return UnsafeRawPointer(hit) - base
        }
        if found == nil { scanned = buffer.count }
        return found
    }

    /// The line under way without its CR LF; the next one begins after it.
    private mutating func cutLine(at end: Int) throws(Refusal) -> Range<Int> {
        guard end > lineStart, buffer[end - 1] == UInt8(ascii: "\r") else {
            throw Refusal(.badRequest, "Lines must end in CR LF, not in LF alone.")
        }
        defer {
            lineStart = end + 1
            scanned = lineStart
        }
        return lineStart..<(end - 1)
    }

    /// Takes the request off the front and makes ready for the next.
    private mutating func take(_ target: Target, peer: Sockets.Address?, viaSocket: Bool) -> Request {
        let bodyEnd = lineStart + head.contentLength
        let request = Request(
            method: head.method, path: target.path, query: target.query,
            // Without the empty line that ends the section.
            headers: Headers(bytes: Array(buffer[fieldsStart..<lineStart - 2]), fields: head.fields),
            body: Array(buffer[lineStart..<bodyEnd]), peer: peer, viaSocket: viaSocket)
        persistence = head.persistence
        if bodyEnd == buffer.count {
            // An idle connection should not hold on to what one large request needed.
            buffer.removeAll(keepingCapacity: buffer.capacity <= 4096)
            start = 0
        } else {
            start = bodyEnd
        }
        lineStart = start
        scanned = start
        stage = .requestLine
        head = RequestHead()
        self.target = nil
        blankLineSkipped = false
        continueSaid = false
        return request
    }
}
