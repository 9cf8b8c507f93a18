/// What the records of 24.12 and 26.01 say. File and message belong together; line numbers change and mean nothing.
enum LevelledGrammar {
    static func fact(of line: LineCursor, header: LogHeader, message: LineCursor, isCut: Bool) -> LogFact {
        // A whole record of exactly the limit: fragments are shorter than the record they come from. What the cut left
        // may look whole, so it is not read.
        if isCut { return .cut }
        if let fact = known(header: header, message) { return fact }
        if isBroken(message) || holdsInvitation(message) { return .malformed(line.text) }
        switch header.level {
        case .debug: return .noise
        case .info, .untold: return .unknown(line.text)
        case .warning: return .warning(message.text)
        case .error: return .error(message.text)
        }
    }

    /// Messages with a stranger's name in them that begin right and do not end right.
    private static func isBroken(_ message: LineCursor) -> Bool {
        message.hasPrefix("Got connection request from ") || message.hasPrefix("Latency ")
            || message.hasPrefix("Created alsapeer ") || message.hasPrefix("Disconnect from ")
            || message.hasPrefix("New ALSA connection ") || message.hasPrefix("Not adding peer=")
            || message.hasPrefix("Sent both goodbyes ") || message.hasPrefix("AVAHI_BROWSER_REMOVE ")
    }

    private static func known(header: LogHeader, _ message: LineCursor) -> LogFact? {
        let file = header.file
        switch header.level {
        case .info:
            if file.isExactly("midirouter") { return router(message) }
            if file.isExactly("aseq") { return sequencer(message) }
            if file.isExactly("rtppeer") { return peer(message) }
            if file.isExactly("local_alsa_peer") { return behind("Created alsapeer ", message, LogMessages.portMade) }
            if file.isExactly("mdns_rtpmidi") { return mdns(message) }
            if file.isExactly("rtpserver") {
                return behind("Listening RTP MIDI connections at ", message, LogMessages.listening)
            }
            return rare(file: file, message)
        case .warning: return warning(file: file, message)
        case .error: return error(file: file, message)
        case .debug:
            guard file.isExactly("rtppeer") else { return nil }
            return behind("Sent both goodbyes and is peer is disconected (", message, LogMessages.goodbyes)
        case .untold: return nil
        }
    }

    private static func behind(
        _ text: StaticString, _ message: LineCursor, _ grammar: (LineCursor) -> LogFact?
    ) -> LogFact? {
        var rest = message
        return rest.consume(text) ? grammar(rest) : nil
    }

    private static func router(_ message: LineCursor) -> LogFact? {
        var rest = message
        if rest.consume("Disconnect ") { return readArrow(&rest) == nil ? nil : .noise }
        if rest.consume("Remove peer_id=") { return rest.readNumber() != nil && rest.isEmpty ? .noise : nil }
        if rest.consume("Connect ") { return readArrow(&rest).map { .connected(from: $0.from, to: $0.to) } }
        if rest.consume("Removed peer ") {
            guard let id = rest.readNumber(), rest.isEmpty else { return nil }
            return .peerRemoved(id: id)
        }
        guard rest.consume("Added peer type="), let id = rest.readLastNumber(), rest.consumeLast(" peer_id=") else {
            return nil
        }
        let kind: LogFact.PeerKind
        if rest.isExactly("local_alsa_peer_t") {
            kind = .alsa
        } else if rest.isExactly("network_rtpmidi_peer_t") {
            kind = .network
        } else if rest.isExactly("network_rtpmidi_multi_listener_t") {
            kind = .listener
        } else {
            rest.consume { (0x61...0x7a ~= $0) || $0 == 0x5f }
            guard rest.isEmpty else { return nil }
            kind = .other
        }
        return .peerAdded(id: id, kind: kind)
    }

    /// `<from> -> <to>` and nothing more.
    private static func readArrow(_ rest: inout LineCursor) -> (from: Int, to: Int)? {
        guard let from = rest.readNumber(), rest.consume(" -> "), let to = rest.readNumber(), rest.isEmpty else {
            return nil
        }
        return (from, to)
    }

    private static func sequencer(_ message: LineCursor) -> LogFact? {
        var rest = message
        if rest.consume("Event source if ") { return consumeAddress(&rest) && rest.isEmpty ? .noise : nil }
        if rest.isExactly("This connection is not to me. Ignore.") { return .noise }
        if rest.isExactly("This disconnection is not to me. Ignore.") { return .noise }
        // `<client>-<port> from port 128:2 -> 128:1` or `from port <client>-<port> (128:2) (internal)`
        guard rest.consume("New ALSA connection ") else { return nil }
        let isInternal = rest.consumeLast(" (internal)")
        if isInternal || rest.hasSuffix(")") {
            guard rest.consumeLast(")"), consumeLastAddress(&rest), rest.consumeLast(" ("), rest.hasPrefix("from port ")
            else { return nil }
            return holdsInvitation(rest) ? nil : .noise
        }
        guard consumeLastAddress(&rest), rest.consumeLast(" -> "), consumeLastAddress(&rest),
            rest.consumeLast(" from port ")
        else { return nil }
        return holdsInvitation(rest) ? nil : .noise
    }

    private static func consumeAddress(_ rest: inout LineCursor) -> Bool {
        rest.readNumber() != nil && rest.consume(":") && rest.readNumber() != nil
    }

    private static func consumeLastAddress(_ rest: inout LineCursor) -> Bool {
        rest.readLastNumber() != nil && rest.consumeLast(":") && rest.readLastNumber() != nil
    }

    private static func peer(_ message: LineCursor) -> LogFact? {
        var rest = message
        if rest.consume("Latency ") { return LogMessages.latency(rest) }
        if rest.consume("Got connection request from ") { return LogMessages.invitation(rest) }
        // The second form is that of an invitation that was answered with NO, behind its warning.
        if rest.consume("Disconnect from ") {
            return LogMessages.bye(rest) ?? LogMessages.oldBye(rest).map { _ in .noise }
        }
        // As initiator: `<hub>, initiator_id: 2170048654 (ok) ssrc: 4379, port: MIDI_PORT`
        guard rest.consume("Got confirmation from "),
            rest.consumeLast(", port: CONTROL_PORT") || rest.consumeLast(", port: MIDI_PORT"),
            rest.readLastNumber() != nil, rest.consumeLast(") ssrc: "),
            rest.consumeLast(while: { 0x61...0x7a ~= $0 }) > 0, rest.consumeLast(" ("), rest.readLastNumber() != nil,
            rest.consumeLast(", initiator_id: "), !holdsInvitation(rest)
        else { return nil }
        return .noise
    }

    private static func mdns(_ message: LineCursor) -> LogFact? {
        if message.isExactly("Connecting to Avahi") || message.isExactly("Client running") { return .noise }
        if message.hasPrefix("Announced ") && message.hasSuffix(" services") { return .noise }
        if message.isExactly("AVAHI_BROWSER_CACHE_EXHAUSTED") || message.isExactly("AVAHI_BROWSER_ALL_FOR_NOW") {
            return .noise
        }
        if message.isExactly("AVAHI_ENTRY_GROUP_ESTABLISHED Group successfully established.") { return .noise }
        // `service="<name>" of type="_apple-midi._udp" in domain=local flags=00000004 `
        var rest = message
        guard rest.consume("AVAHI_BROWSER_REMOVE REMOVE: service=\""), rest.consumeLast(" "),
            rest.consumeLast(while: { LineCursor.isDigit($0) || (0x41...0x46 ~= $0) }) > 0, rest.consumeLast(" flags="),
            rest.consumeLast("in domain=local"), rest.consumeLast("\" of type=\"_apple-midi._udp\" "),
            !holdsInvitation(rest)
        else { return nil }
        return .noise
    }

    private static func rare(file: LineCursor, _ message: LineCursor) -> LogFact? {
        var rest = message
        if file.isExactly("rtpmidiremotehandler") {
            guard rest.consume("Not adding peer=\""), rest.consumeLast("\", as requested by settings"),
                !holdsInvitation(rest)
            else { return nil }
            return .noise
        }
        if file.isExactly("main") {
            if rest.isExactly("Waiting for connections.") { return .waitingForConnections }
            if rest.isExactly("SIGTERM received. Closing.") || rest.isExactly("SIGINT received. Closing.") {
                return .stopping
            }
            return rest.isExactly("FIN") ? .fin : nil
        }
        if file.isExactly("control_socket") {
            if rest.isExactly("Removed old control socket. Creating new one.") { return .noise }
            guard rest.consume("Control socket ready at "), !holdsInvitation(rest) else { return nil }
            return .controlReady(path: rest.name)
        }
        guard file.isExactly("rtpclient") else { return nil }
        if rest.isExactly("Disconnecting because of CK timeout") { return .ckTimeout }
        if rest.isExactly("Connected") { return .noise }
        return rest.hasPrefix("Connected control port ") && rest.readLastNumber() != nil && !holdsInvitation(rest)
            ? .noise : nil
    }
}
