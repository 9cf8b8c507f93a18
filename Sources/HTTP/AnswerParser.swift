/// The bytes of one answer as they come, for the client (RFC 9112 sections 4 and 6.3).
struct AnswerParser {
    private static let longestHead = 64 * 1024

    private let place: Client.Place
    private var buffer: [UInt8] = []
    private var head: (answer: Client.Answer, bodyStart: Int, length: Int?)?

    init(_ place: Client.Place) { self.place = place }

    var isEmpty: Bool { buffer.isEmpty }

    /// The answer, once it is whole by its own length.
    mutating func take(_ bytes: ArraySlice<UInt8>) throws(Client.Failure) -> Client.Answer? {
        let looked = max(0, buffer.count - 3)
        buffer += bytes
        if head == nil {
            guard let end = Self.emptyLine(in: buffer, from: looked) else {
                if buffer.count > Self.longestHead { throw .malformed(place, "the answer's head has no end") }
                return nil
            }
            head = try readHead(upTo: end)
        }
        guard let head else { return nil }
        let had = buffer.count - head.bodyStart
        if had > Client.largestAnswer || head.length ?? 0 > Client.largestAnswer { throw .tooLarge(place) }
        guard let length = head.length, had >= length else { return nil }
        return finished(head.answer, head.bodyStart..<head.bodyStart + length)
    }

    /// The connection has ended: the answer, where that is its end.
    func ended() throws(Client.Failure) -> Client.Answer {
        guard let head else {
            throw .malformed(place, isEmpty ? "the connection was closed without an answer" : "no HTTP answer came")
        }
        guard head.length == nil else { throw .malformed(place, "the answer was cut off") }
        return finished(head.answer, head.bodyStart..<buffer.count)
    }

    private func finished(_ answer: Client.Answer, _ body: Range<Int>) -> Client.Answer {
        var answer = answer
        answer.body = Array(buffer[body])
        return answer
    }

    /// Where the CR LF CR LF ends.
    private static func emptyLine(in bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while index + 4 <= bytes.count {
            if bytes[index..<index + 4].elementsEqual("\r\n\r\n".utf8) { return index + 4 }
            index += 1
        }
        return nil
    }

    /// `HTTP/1.1 200 OK`, then header lines.
    private func readHead(upTo end: Int) throws(Client.Failure) -> (Client.Answer, Int, Int?) {
        var lines = buffer[..<(end - 4)].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
        let words = (lines.popFirst() ?? []).split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, words[0].starts(with: "HTTP/1.".utf8), words[1].count == 3,
            let status = Int(String(decoding: words[1], as: UTF8.self)), status >= 200
        else { throw .malformed(place, "what came is no HTTP answer") }
        var headers = Headers()
        for line in lines {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line[..<colon].allSatisfy(Grammar.isToken)
            else { throw .malformed(place, "the answer has a header line that is none") }
            let value = Grammar.trimmed(colon + 1..<line.endIndex, of: buffer)
            headers.append(
                String(decoding: line[..<colon], as: UTF8.self), String(decoding: buffer[value], as: UTF8.self))
        }
        guard headers["Transfer-Encoding"] == nil else { throw .malformed(place, "the answer came in chunks unasked") }
        var length: Int?
        if status == 204 || status == 304 {
            length = 0
        } else if let text = headers["Content-Length"] {
            guard let number = Int(text), number >= 0 else { throw .malformed(place, "the answer has no sound length") }
            length = number
        }
        return (Client.Answer(status: status, headers: headers, body: []), end, length)
    }
}
