/// The bytes of one answer as they come, for the client.
struct AnswerParser {
    private let endpoint: Client.Endpoint
    private var head = AnswerHead()
    /// The body as far as it has come; nil until the head is complete.
    private var body: [UInt8]?

    init(_ endpoint: Client.Endpoint) { self.endpoint = endpoint }

    var isEmpty: Bool { head.isEmpty }

    /// The answer, once it is whole by its own length.
    mutating func receive(_ bytes: ArraySlice<UInt8>) throws(Client.Failure) -> Client.Answer? {
        if body != nil {
            body? += bytes
        } else {
            do throws(AnswerHead.Malformed) {
                guard let rest = try head.receive(bytes) else { return nil }
                body = Array(rest)
            } catch { throw .malformed(endpoint, error.sentence) }
        }
        let received = body?.count ?? 0
        if max(received, head.contentLength ?? 0) > Client.largestAnswer { throw .tooLarge(endpoint) }
        guard let length = head.contentLength, received >= length else { return nil }
        return answer(upTo: length)
    }

    /// To be called when the connection has ended: returns the answer if it has no length of its own.
    func ended() throws(Client.Failure) -> Client.Answer {
        guard let body else {
            throw .malformed(endpoint, isEmpty ? "the connection was closed without an answer" : "no HTTP answer came")
        }
        guard head.contentLength == nil else { throw .malformed(endpoint, "the answer was cut off") }
        return answer(upTo: body.count)
    }

    private func answer(upTo length: Int) -> Client.Answer {
        Client.Answer(status: head.status, headers: head.headers, body: Array((body ?? []).prefix(length)))
    }
}
