/// Messages that several versions write alike. Each returns nil for a message that begins like it but is not it.
enum LogMessages {
    /// Behind `Got connection request from `, 24.12 on: the name in quotes twice, once as remote and once as local name.
    /// Split at the first `initiator_id`, so that with two of them the names cannot be equal.
    static func invitation(_ message: LineCursor) -> LogFact? {
        var rest = message
        guard rest.consume("remote_name=\""), let remote = rest.read(until: "\", initiator_id="),
            let initiator = rest.readHex(), rest.consume("  ssrc="), let ssrc = rest.readHex(),
            rest.consume(", local_name=\"")
        else { return nil }
        let channel: SessionChannel
        if rest.consumeLast("\", at port=CONTROL_PORT") {
            channel = .control
        } else if rest.consumeLast("\", at port=MIDI_PORT") {
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
        guard let remote = rest.read(until: ", initiator_id: "),
            let initiator = rest.readHex(), rest.consume(" (true) ssrc: ") || rest.consume(" (false) ssrc: "),
            let ssrc = rest.readHex(), rest.consume(", name: ")
        else { return nil }
        let channel: SessionChannel
        if rest.consumeLast(", at control? true") {
            channel = .control
        } else if rest.consumeLast(", at control? false") {
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
        if rest.consumeLast(" ms (server / 3)") {
            role = .server
        } else if rest.consumeLast(" ms (client / 2)") {
            role = .client
        } else {
            return nil
        }
        // Two decimals, of which the second is always 0; a clock step makes old versions write a minus.
        let fraction = rest
        guard rest.consumeLast(while: LineCursor.isDigit) == 2, rest.consumeLast(".") else { return nil }
        let tail = fraction.suffix(2)
        let hundredths = Int(tail[0] - 0x30) * 10 + Int(tail[1] - 0x30)
        guard let whole = rest.readLastNumber() else { return nil }
        let isNegative = rest.consumeLast("-")
        guard rest.consumeLast(": "), !holdsInvitation(rest) else { return nil }
        let microseconds = whole * 1000 + hundredths * 10
        return .latency(name: rest.name, microseconds: isNegative ? -microseconds : microseconds, role: role)
    }

    /// Behind `Created alsapeer `: `<name>, port 7`
    static func portMade(_ message: LineCursor) -> LogFact? {
        var rest = message
        guard let port = rest.readLastNumber(), rest.consumeLast(", port "), !holdsInvitation(rest) else { return nil }
        return .alsaPortMade(name: rest.name, port: port)
    }

    /// Behind `Disconnect from `, 23.12 on: `<name>, MIDI_PORT port. Status MIDI_CONNECTED -> NOT_CONNECTED`
    static func bye(_ message: LineCursor) -> LogFact? {
        var rest = message
        let last = rest.hasSuffix(" -> NOT_CONNECTED")
        guard rest.consumeLast(while: LineCursor.isCapital) > 0, rest.consumeLast(" -> "),
            rest.consumeLast(while: LineCursor.isCapital) > 0, rest.consumeLast(" port. Status ")
        else { return nil }
        let channel: SessionChannel
        if rest.consumeLast(", CONTROL_PORT") {
            channel = .control
        } else if rest.consumeLast(", MIDI_PORT") {
            channel = .midi
        } else {
            return nil
        }
        return holdsInvitation(rest) ? nil : .byeReceived(name: rest.name, channel: channel, last: last)
    }

    /// Behind `Disconnect from `, up to 23.10: `<name>, Control port. Status 2`. The first BYE ends the session.
    static func oldBye(_ message: LineCursor) -> LogFact? {
        var rest = message
        guard rest.readLastNumber() != nil, rest.consumeLast(" port. Status ") else { return nil }
        let channel: SessionChannel
        if rest.consumeLast(", Control") {
            channel = .control
        } else if rest.consumeLast(", MIDI") || rest.consumeLast(", Midi") {
            channel = .midi
        } else {
            return nil
        }
        return holdsInvitation(rest) ? nil : .byeReceived(name: rest.name, channel: channel, last: true)
    }

    /// Behind `Sent both goodbyes and is peer is disconected (`
    static func goodbyes(_ message: LineCursor) -> LogFact? {
        var rest = message
        return rest.consumeLast(")") && !holdsInvitation(rest) ? .goodbyesSent(name: rest.name) : nil
    }

    /// Behind `Listening RTP MIDI connections at `: `:::5004 / null, with name: 'x'`, or `0.0.0.0:5004, with name: 'x'`.
    static func listening(_ message: LineCursor) -> LogFact? {
        var rest = message
        guard var addresses = rest.read(until: ", with name: '"), rest.consumeLast("'"), !holdsInvitation(rest)
        else { return nil }
        guard let control = addresses.read(until: " / ") else {
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
        guard let number = rest.readLastNumber(), let port = UInt16(exactly: number), rest.consumeLast(":"),
            !rest.isEmpty
        else { return nil }
        return .some(port)
    }
}
