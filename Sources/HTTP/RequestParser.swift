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
    private var lines = HeadLines()
    /// Where the request under way begins, and its header section.
    private var start = 0
    private var fieldsStart = 0
    private var stage = Stage.requestLine
    private var head = RequestHead()
    private var target: Target?
    private var blankLineSkipped = false
    private var continueSent = false
    /// What becomes of the connection after the last request that came out.
    package private(set) var persistence = Persistence.close

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Part of a request has come.
    package var hasBegun: Bool { start < lines.bytes.count }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if start > 0 {
            lines.removeFirst(start)
            head.move(by: -start)
            fieldsStart -= start
            start = 0
        }
        lines.append(bytes)
    }

    /// True once a request, when its head is there, its body is not, and the peer waits to be told to send it
    /// (`Expect: 100-continue`, RFC 9110 section 10.1.1).
    package mutating func shouldSendContinue() -> Bool {
        // Some of the body already here: the peer did not wait.
        guard stage == .body, head.expectsContinue, !continueSent, lines.bytes.count == lines.start else {
            return false
        }
        continueSent = true
        return true
    }

    /// The next request, as far as the bytes go. Call until `incomplete`.
    package mutating func next(peer: Sockets.Address? = nil, viaSocket: Bool = false) -> Outcome {
        do throws(Refusal) {
            while true {
                switch stage {
                case .requestLine:
                    guard let line = try nextRequestLine() else { return .incomplete }
                    if line.isEmpty, !blankLineSkipped {
                        // One empty line before a request is forgiven (RFC 9112 section 2.2).
                        blankLineSkipped = true
                        start = lines.start
                        continue
                    }
                    try head.readRequestLine(line, of: lines.bytes, limits: limits)
                    fieldsStart = lines.start
                    stage = .fields
                case .fields:
                    guard let line = try nextFieldLine() else { return .incomplete }
                    if line.isEmpty {
                        target = try head.finish(of: lines.bytes, limits: limits)
                        stage = .body
                    } else {
                        try head.readField(line, of: lines, base: fieldsStart)
                    }
                case .body:
                    guard lines.bytes.count - lines.start >= head.contentLength, let target else { return .incomplete }
                    return .request(finishRequest(target, peer: peer, viaSocket: viaSocket))
                }
            }
        } catch {
            return .refuse(error.status, error.sentence)
        }
    }

    private mutating func nextRequestLine() throws(Refusal) -> Range<Int>? {
        if lines.start < lines.bytes.count { try checkFirstByte(lines.bytes[lines.start]) }
        let end = lines.findEnd()
        // One less for the CR that may be there.
        if (end ?? lines.bytes.count) - lines.start - 1 > limits.targetBytes + RequestHead.lineOverhead {
            guard lines.bytes[lines.start...].prefix(RequestHead.longestMethod + 1).contains(0x20) else {
                throw Refusal(.badRequest, "The request does not begin with a method.")
            }
            throw Refusal(.targetTooLong, "The request target is longer than \(limits.targetBytes) bytes.")
        }
        return try end.map { end throws(Refusal) in try lines.cut(at: end) }
    }

    /// A peer that certainly does not speak HTTP gets its answer at once, not only when the time for a request is over.
    private func checkFirstByte(_ byte: UInt8) throws(Refusal) {
        if Grammar.isToken(byte) || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") { return }
        // The type of a TLS handshake record (RFC 8446 section 5.1).
        let tls = byte == 0x16
        throw Refusal(
            .badRequest,
            tls ? "This port speaks plain HTTP, not HTTPS." : "The request does not begin with a method.")
    }

    private mutating func nextFieldLine() throws(Refusal) -> Range<Int>? {
        let end = lines.findEnd()
        guard (end.map { $0 + 1 } ?? lines.bytes.count) - fieldsStart <= limits.headerBytes else {
            throw Refusal(.headersTooLarge, "The headers are larger than \(limits.headerBytes) bytes.")
        }
        return try end.map { end throws(Refusal) in try lines.cut(at: end) }
    }

    /// Removes the request from the front and makes ready for the next.
    private mutating func finishRequest(_ target: Target, peer: Sockets.Address?, viaSocket: Bool) -> Request {
        let bodyEnd = lines.start + head.contentLength
        let request = Request(
            method: head.method, path: target.path, query: target.query,
            headers: lines.headers(from: fieldsStart, fields: head.fields),
            body: Array(lines.bytes[lines.start..<bodyEnd]), peer: peer, viaSocket: viaSocket)
        persistence = head.persistence
        start = lines.skip(to: bodyEnd)
        stage = .requestLine
        head = RequestHead()
        self.target = nil
        blankLineSkipped = false
        continueSent = false
        return request
    }
}
