/// Writes an answer's head (RFC 9112 section 4): the one place where every answer gets its Date, its length and the
/// headers that tell browsers to trust nothing beside us.
package struct ResponseWriter {
    /// No script, style or connection but our own, no frame, no form, no guessing of types. Pages keep their code in files.
    private static let security: [UInt8] = Array(
        """
        X-Content-Type-Options: nosniff\r
        Referrer-Policy: no-referrer\r
        X-Frame-Options: DENY\r
        Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
        connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r

        """.utf8)
    private static let goOn: [UInt8] = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)
    /// Bodies up to here are copied behind the head and leave in one packet; larger ones are sent from where they are.
    private static let joined = 64 * 1024

    private var dateSecond = Int64.min
    private var dateLine: [UInt8] = []

    package init() {}

    /// What goes on the wire: `head`, then `body`.
    package struct Wire {
        package var head: [UInt8]
        package var body: [UInt8]
    }

    /// `now` is in Unix seconds.
    package mutating func write(_ reply: Conversation.Reply, now: Int64) -> Wire {
        switch reply {
        case .goOn: return Wire(head: Self.goOn, body: [])
        case .answer(let response, let bodyless, let persistence):
            return write(response, bodyless: bodyless, persistence: persistence, now: now)
        }
    }

    private mutating func write(
        _ response: Response, bodyless: Bool, persistence: Persistence, now: Int64
    ) -> Wire {
        if now != dateSecond {
            dateSecond = now
            dateLine = Array("Date: \(HTTPDate.text(now))\r\n".utf8)
        }
        let body = bodyless || !response.status.hasBody ? [] : response.body
        let together = body.count <= Self.joined
        var head: [UInt8] = []
        head.reserveCapacity(640 + response.headers.bytes.count + (together ? body.count : 0))
        head += "HTTP/1.1 ".utf8
        head += String(response.status.code).utf8
        head += " ".utf8
        head += response.status.phrase.utf8
        head += "\r\n".utf8
        head += dateLine
        head += Self.security
        head += response.headers.bytes
        // A stream ends with its connection (RFC 9112 section 6.3).
        if response.status.hasBody, response.stream == nil {
            head += "Content-Length: ".utf8
            head += String(response.body.count).utf8
            head += "\r\n".utf8
        }
        switch persistence {
        case .close: head += "Connection: close\r\n".utf8
        case .keepAlive: break
        case .keepAliveRequested: head += "Connection: keep-alive\r\n".utf8
        }
        head += "\r\n".utf8
        guard together else { return Wire(head: head, body: body) }
        head += body
        return Wire(head: head, body: [])
    }
}

/// Dates as HTTP writes them (RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
package enum HTTPDate {
    /// From Unix seconds.
    package static func text(_ seconds: Int64) -> String {
        var days = seconds / 86400
        var second = seconds % 86400
        if second < 0 {
            second += 86400
            days -= 1
        }
        // The civil date from the day number, in years that begin in March and eras of 400 of them (proleptic Gregorian).
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let ofEra = shifted - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * ofYear + 2) / 153
        let day = ofYear - (153 * march + 2) / 5 + 1
        let month = march < 10 ? march + 3 : march - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]  // day 0 was a Thursday
        let weekday = weekdays[Int((days % 7 + 7) % 7)]
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(weekday), \(two(day)) \(names[Int(month) - 1]) \(year) "
            + "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)) GMT"
    }
}
