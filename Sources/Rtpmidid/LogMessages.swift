/// Messages that several versions write alike. Each returns nil for a message that begins like it but is not it.
enum LogMessages {
    /// Behind `Got connection request from `, 24.12 on: the name in quotes twice, once as remote and once as local name.
    /// Split at the first `initiator_id`, so that with two of them the names cannot be equal.
    static func invitation(_ message: LineCursor) -> LogFact? {
        var rest = message
        guard rest.take("remote_name=\""), let remote = rest.take(until: "\", initiator_id="),
            let initiator = rest.takeHex(), rest.take("  ssrc="), let ssrc = rest.takeHex(),
            rest.take(", local_name=\"")
        else { return nil }
        let channel: SessionChannel
        if rest.takeLast("\", at port=CONTROL_PORT") {
            channel = .control
        } else if rest.takeLast("\", at port=MIDI_PORT") {
            channel = .midi
        } else {
            return nil
        }
        guard remote.sameBytes(as: rest) else { return nil }
        return .invitation(.init(name: remote.name, initiator: initiator, ssrc: ssrc, channel: channel))
    }

    /// Behind `Got connection request from `, up to 23.12.
    static func oldInvitation(_ message: LineCursor) -> LogFact? {
        var rest = message
        guard let remote = rest.take(until: ", initiator_id: "),
            let initiator = rest.takeHex(), rest.take(" (true) ssrc: ") || rest.take(" (false) ssrc: "),
            let ssrc = rest.takeHex(), rest.take(", name: ")
        else { return nil }
        let channel: SessionChannel
        if rest.takeLast(", at control? true") {
            channel = .control
        } else if rest.takeLast(", at control? false") {
            channel = .midi
        } else {
            return nil
        }
        guard remote.sameBytes(as: rest) else { return nil }
        return .invitation(.init(name: remote.name, initiator: initiator, ssrc: ssrc, channel: channel))
    }

    /// Behind `Latency `: `<name>: 4.80 ms (server / 3)`. Read from the end, as the name may look like anything.
    static func latency(_ message: LineCursor) -> LogFact? {
        var rest = message
        let role: LogFact.LatencyRole
        if rest.takeLast(" ms (server / 3)") {
            role = .server
        } else if rest.takeLast(" ms (client / 2)") {
            role = .client
        } else {
            return nil
        }
        // Two decimals, of which the second is always 0; a clock step makes old versions write a minus.
        let fraction = rest
        guard rest.takeLast(while: LineCursor.isDigit) == 2, rest.takeLast(".") else { return nil }
        let tail = fraction.suffix(2)
        let hundredths = Int(tail[0] - 0x30) * 10 + Int(tail[1] - 0x30)
        guard let whole = rest.takeLastNumber() else { return nil }
        let isNegative = rest.takeLast("-")
        guard rest.takeLast(": "), !holdsInvitation(rest) else { return nil }
        let microseconds = whole * 1000 + hundredths * 10
        return .latency(name: rest.name, microseconds: isNegative ? -microseconds : microseconds, role: role)
    }

    /// Behind `Created alsapeer `: `<name>, port 7`
    static func portMade(_ message: LineCursor) -> LogFact? {
        var rest = message
        guard let port = rest.takeLastNumber(), rest.takeLast(", port "), !holdsInvitation(rest) else { return nil }
        return .alsaPortMade(name: rest.name, port: port)
    }

    /// Behind `Disconnect from `, 23.12 on: `<name>, MIDI_PORT port. Status MIDI_CONNECTED -> NOT_CONNECTED`
    static func bye(_ message: LineCursor) -> LogFact? {
        var rest = message
        let last = rest.hasSuffix(" -> NOT_CONNECTED")
        guard rest.takeLast(while: LineCursor.isCapital) > 0, rest.takeLast(" -> "),
            rest.takeLast(while: LineCursor.isCapital) > 0, rest.takeLast(" port. Status ")
        else { return nil }
        let channel: SessionChannel
        if rest.takeLast(", CONTROL_PORT") {
            channel = .control
        } else if rest.takeLast(", MIDI_PORT") {
            channel = .midi
        } else {
            return nil
        }
        return holdsInvitation(rest) ? nil : .byeReceived(name: rest.name, channel: channel, last: last)
    }

    /// Behind `Disconnect from `, up to 23.10: `<name>, Control port. Status 2`. The first BYE ends the session.
    static func oldBye(_ message: LineCursor) -> LogFact? {
        var rest = message
        guard rest.takeLastNumber() != nil, rest.takeLast(" port. Status ") else { return nil }
        let channel: SessionChannel
        if rest.takeLast(", Control") {
            channel = .control
        } else if rest.takeLast(", MIDI") || rest.takeLast(", Midi") {
            channel = .midi
        } else {
            return nil
        }
        return holdsInvitation(rest) ? nil : .byeReceived(name: rest.name, channel: channel, last: true)
    }

    /// Behind `Sent both goodbyes and is peer is disconected (`
    static func goodbyes(_ message: LineCursor) -> LogFact? {
        var rest = message
        return rest.takeLast(")") && !holdsInvitation(rest) ? .goodbyesSent(name: rest.name) : nil
    }

    /// Behind `Listening RTP MIDI connections at `: `:::5004 / null, with name: 'x'`, or `0.0.0.0:5004, with name: 'x'`.
    static func listening(_ message: LineCursor) -> LogFact? {
        var rest = message
        guard var addresses = rest.take(until: ", with name: '"), rest.takeLast("'"), !holdsInvitation(rest)
        else { return nil }
        guard let control = addresses.take(until: " / ") else {
            guard case .some(let port) = Self.port(addresses) else { return nil }
            let midi = port.flatMap { $0 < UInt16.max ? $0 + 1 : nil }
            return .listening(control: port, midi: midi, name: rest.name)
        }
        guard case .some(let first) = port(control), case .some(let second) = port(addresses) else { return nil }
        return .listening(control: first, midi: second, name: rest.name)
    }

    /// The port of `<address>:<port>`; nil inside for `null`, nil outside for neither.
    private static func port(_ address: LineCursor) -> UInt16?? {
        if address.isExactly("null") { return .some(nil) }
        var rest = address
        guard let number = rest.takeLastNumber(), let port = UInt16(exactly: number), rest.takeLast(":"), !rest.isEmpty
        else { return nil }
        return .some(port)
    }
}
