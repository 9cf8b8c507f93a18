/// The head of an answer as its bytes come (RFC 9112 sections 4 and 6.3): `HTTP/1.1 200 OK`, then header lines.
package struct AnswerHead: Sendable {
    private static let largest = 64 * 1024

    /// What comes is no HTTP answer; the sentence says why.
    package struct Malformed: Error, Equatable { package let sentence: String }

    package private(set) var status = 0
    package private(set) var headers = Headers()
    /// The length of the body; nil where the answer does not give it and ends with the connection.
    package private(set) var contentLength: Int?
    /// Nothing has come at all.
    package private(set) var isEmpty = true

    private var lines = HeadLines()
    private var fieldsStart: Int?
    private var fields: [Headers.Field] = []

    package init() {}

    /// Returns the bytes after the head, the beginning of the body, once the head is complete. Not to be called again
    /// then.
    package mutating func receive(_ bytes: ArraySlice<UInt8>) throws(Malformed) -> ArraySlice<UInt8>? {
        if !bytes.isEmpty { isEmpty = false }
        lines.append(bytes)
        do throws(Refusal) {
            while let end = lines.findEnd() {
                let line = try lines.cut(at: end)
                guard let fieldsStart else {
                    status = try readStatus(line)
                    fieldsStart = lines.start
                    continue
                }
                if line.isEmpty {
                    headers = lines.headers(from: fieldsStart, fields: fields)
                    contentLength = try readLength()
                    return lines.bytes[lines.start...]
                }
                let (name, value) = try lines.field(line)
                fields.append(Headers.Field(name: name, value: value, base: fieldsStart))
            }
        } catch { throw Malformed(sentence: error.sentence) }
        guard lines.bytes.count <= Self.largest else { throw Malformed(sentence: "The answer's head has no end.") }
        return nil
    }

    private func readStatus(_ line: Range<Int>) throws(Refusal) -> Int {
        let parts = lines.bytes[line].split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0].starts(with: "HTTP/1.".utf8), parts[1].count == 3,
            let status = Grammar.length(parts[1]), status >= 200
        else { throw Refusal(.badRequest, "What came is no HTTP answer.") }
        return status
    }

    private func readLength() throws(Refusal) -> Int? {
        guard headers["Transfer-Encoding"] == nil else {
            throw Refusal(.badRequest, "The answer came in chunks unasked.")
        }
        if status == 204 || status == 304 { return 0 }
        guard let text = headers["Content-Length"] else { return nil }
        guard let length = Grammar.length(Array(text.utf8)[...]) else {
            throw Refusal(.badRequest, "The answer's Content-Length is not a number.")
        }
        return length
    }
}
