import HTTP

extension RequestParser {
    mutating func append(_ text: String) { append(Array(text.utf8)) }
    mutating func append(_ bytes: [UInt8]) { bytes.withUnsafeBytes { append($0) } }
}

/// What came out, in a form that compares.
enum Seen: Equatable, CustomStringConvertible {
    case incomplete
    case request(Method, String, body: String)
    case refused(Int)

    init(_ outcome: RequestParser.Outcome) {
        switch outcome {
        case .incomplete: self = .incomplete
        case .request(let request):
            self = .request(request.method, request.path, body: String(decoding: request.body, as: UTF8.self))
        case .refuse(let status, _): self = .refused(status.code)
        }
    }

    /// The last outcome after pieces, stopping at the first that is not `incomplete`.
    static func feeding(_ pieces: [[UInt8]], limits: Limits = Limits()) -> Seen {
        var parser = RequestParser(limits: limits)
        for piece in pieces {
            parser.append(piece)
            let seen = Seen(parser.next())
            if seen != .incomplete { return seen }
        }
        return .incomplete
    }

    /// Every request, and the refusal that ended them.
    static func all(_ pieces: [[UInt8]]) -> [Seen] {
        var parser = RequestParser()
        var all: [Seen] = []
        for piece in pieces {
            parser.append(piece)
            while true {
                let seen = Seen(parser.next())
                if seen == .incomplete { break }
                all.append(seen)
                if case .refused = seen { return all }
            }
        }
        return all
    }

    var description: String {
        switch self {
        case .incomplete: "incomplete"
        case .request(let method, let path, let body): "\(method) \(path) [\(body)]"
        case .refused(let code): "\(code)"
        }
    }
}
