/// What becomes of the connection after the answer (RFC 9112 section 9.3). HTTP/1.0 must be told that it is kept.
package enum Persistence: Hashable, Sendable { case close, keepAlive, keepAliveRequested }

/// What is known of a request before its body: the request line and the headers that decide about framing
/// (RFC 9112 sections 3 and 6). Built a line at a time.
struct RequestHead {
    private(set) var method = Method.get
    private(set) var fields: [Headers.Field] = []
    private(set) var contentLength = 0
    private var target: Range<Int> = 0..<0
    private var oldVersion = false
    private var closeRequested = false
    private var keepAliveRequested = false
    private var lengthSeen = false
    private var encodingSeen = false
    private var host: Range<Int>?
    private var continueExpected = false
    private var otherExpectation = false

    static let longestMethod = 24
    /// What a request line has beside its target: method, two spaces, version.
    static let lineOverhead = longestMethod + 2 + 8

    /// HTTP/1.0 knows no interim answers (RFC 9110 section 10.1.1).
    var expectsContinue: Bool { continueExpected && !oldVersion }

    var persistence: Persistence {
        if closeRequested { return .close }
        if oldVersion { return keepAliveRequested ? .keepAliveRequested : .close }
        return .keepAlive
    }

    /// `METHOD SP target SP HTTP/1.x`, with one space each.
    mutating func readRequestLine(_ line: Range<Int>, of buffer: [UInt8], limits: Limits) throws(Refusal) {
        guard let firstSpace = buffer[line].firstIndex(of: 0x20), let lastSpace = buffer[line].lastIndex(of: 0x20),
            firstSpace < lastSpace
        else { throw Refusal(.badRequest, "The request line must read: METHOD /path HTTP/1.1") }
        let name = buffer[line.lowerBound..<firstSpace]
        guard !name.isEmpty, name.count <= Self.longestMethod, name.allSatisfy(Grammar.isToken) else {
            throw Refusal(.badRequest, "The request does not begin with a method.")
        }
        let version = buffer[lastSpace + 1..<line.upperBound]
        guard version.count == 8, version.starts(with: "HTTP/".utf8), version[lastSpace + 7] == UInt8(ascii: "."),
            let major = Grammar.hexDigit(version[lastSpace + 6]), major < 10,
            let minor = Grammar.hexDigit(version[lastSpace + 8]), minor < 10
        else { throw Refusal(.badRequest, "The request line must end in HTTP/1.1 or HTTP/1.0.") }
        guard major == 1 else { throw Refusal(.versionNotSupported, "This server speaks HTTP/1.1 and HTTP/1.0 only.") }
        oldVersion = minor == 0
        target = firstSpace + 1..<lastSpace
        guard !target.isEmpty, buffer[target].allSatisfy(Grammar.isTarget) else {
            throw Refusal(.badRequest, "The request target has a character that must be percent-encoded, or is empty.")
        }
        guard target.count <= limits.targetBytes else {
            throw Refusal(.targetTooLong, "The request target is longer than \(limits.targetBytes) bytes.")
        }
        method = Self.method(name)
    }

    private static func method(_ name: ArraySlice<UInt8>) -> Method {
        if name.elementsEqual("GET".utf8) { return .get }  // nearly all of them
        return Method(rawValue: String(decoding: name, as: UTF8.self)) ?? .other
    }

    /// `base` is where the header section begins: the index of fields counts from there.
    mutating func readField(_ line: Range<Int>, of lines: HeadLines, base: Int) throws(Refusal) {
        let (name, value) = try lines.field(line)
        fields.append(Headers.Field(name: name, value: value, base: base))
        try note(lines.bytes[name], value, of: lines.bytes)
    }

    /// Remembers what a header says about framing.
    private mutating func note(_ name: ArraySlice<UInt8>, _ value: Range<Int>, of buffer: [UInt8]) throws(Refusal) {
        func named(_ text: String) -> Bool { Grammar.equal(name, text.utf8) }
        switch name.count {
        case 4 where named("host"):
            guard host == nil else { throw Refusal(.badRequest, "There is more than one Host header.") }
            guard buffer[value].allSatisfy(Grammar.isHost) else {
                throw Refusal(.badRequest, "The Host header is not a host name.")
            }
            host = value
        case 6 where named("expect"):
            if Grammar.equal(buffer[value], "100-continue".utf8) {
                continueExpected = true
            } else {
                otherExpectation = true
            }
        case 10 where named("connection"):
            for option in buffer[value].split(separator: UInt8(ascii: ",")) {
                let word = buffer[Grammar.trimmed(option.startIndex..<option.endIndex, of: buffer)]
                if Grammar.equal(word, "close".utf8) { closeRequested = true }
                if Grammar.equal(word, "keep-alive".utf8) { keepAliveRequested = true }
            }
        case 14 where named("content-length"):
            guard !lengthSeen else { throw Refusal(.badRequest, "There is more than one Content-Length header.") }
            guard let length = Grammar.length(buffer[value]) else {
                throw Refusal(.badRequest, "The Content-Length header is not a number.")
            }
            contentLength = length
            lengthSeen = true
        case 17 where named("transfer-encoding"): encodingSeen = true
        default: break
        }
    }

    /// The buffer's octets have moved: adjusts the ranges that point into it.
    mutating func move(by offset: Int) {
        target = target.lowerBound + offset..<target.upperBound + offset
        host = host.map { $0.lowerBound + offset..<$0.upperBound + offset }
    }

    /// Checks the whole head, after its empty line.
    func finish(of buffer: [UInt8], limits: Limits) throws(Refusal) -> Target {
        if host == nil, !oldVersion { throw Refusal(.badRequest, "An HTTP/1.1 request must have a Host header.") }
        if encodingSeen {
            // Both together is how requests are smuggled past a proxy (RFC 9112 section 6.3).
            if lengthSeen {
                throw Refusal(.badRequest, "Transfer-Encoding and Content-Length must not be sent together.")
            }
            throw Refusal(.notImplemented, "Transfer-Encoding is not accepted: send the body with a Content-Length.")
        }
        if otherExpectation, !oldVersion {
            throw Refusal(.expectationFailed, "The only expectation understood is 100-continue.")
        }
        if contentLength > limits.bodyBytes {
            throw Refusal(.contentTooLarge, "The body is larger than \(limits.bodyBytes) bytes.")
        }
        return try Target(try withoutAuthority(buffer))
    }

    /// Proxies send `http://host/path` (RFC 9112 section 3.2.2). Accepted where it agrees with Host: two names would
    /// mean that one of them is checked and the other believed.
    private func withoutAuthority(_ buffer: [UInt8]) throws(Refusal) -> ArraySlice<UInt8> {
        let whole = buffer[target]
        guard whole.first != UInt8(ascii: "/") else { return whole }
        for scheme in ["http://", "https://"] where Grammar.equal(whole.prefix(scheme.utf8.count), scheme.utf8) {
            let rest = whole.dropFirst(scheme.utf8.count)
            let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
            guard let host, Grammar.equal(rest[..<end], buffer[host]) else {
                throw Refusal(.badRequest, "The request target names another host than the Host header.")
            }
            let path = rest[end...]
            return path.first == UInt8(ascii: "/") ? path : [UInt8(ascii: "/")] + path
        }
        return whole
    }
}
