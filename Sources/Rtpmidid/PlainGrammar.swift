/// What the records of 21.07 to 23.12 say. They have no level, so only the words tell an error.
enum PlainGrammar {
    static func fact(of line: LineCursor, message: LineCursor) -> LogFact {
        if let fact = known(message) { return fact }
        return isBroken(message) || holdsInvitation(message) ? .malformed(line.text) : .unknown(line.text)
    }

    private static func isBroken(_ message: LineCursor) -> Bool {
        message.hasPrefix("Got connection request from ") || message.hasPrefix("Latency ")
            || message.hasPrefix("Created alsapeer ") || message.hasPrefix("Disconnect from ")
            || message.hasPrefix("Sent both goodbyes ") || message.hasPrefix("New ALSA connection ")
            || message.hasPrefix("~rtppeer ")
    }

    private static func known(_ message: LineCursor) -> LogFact? {
        if message.isEmpty { return nil }
        var rest = message
        switch message[0] {
        case UInt8(ascii: "L"):
            if rest.consume("Latency ") { return LogMessages.latency(rest) }
            return rest.consume("Listening RTP MIDI connections at ") ? LogMessages.listening(rest) : nil
        case UInt8(ascii: "G"):
            return rest.consume("Got connection request from ") ? LogMessages.oldInvitation(rest) : nil
        case UInt8(ascii: "R"): return letterR(rest)
        case UInt8(ascii: "D"):
            if rest.isExactly("Disconnected") { return .noise }
            guard rest.consume("Disconnect from ") else { return nil }
            return LogMessages.oldBye(rest) ?? LogMessages.bye(rest)
        case UInt8(ascii: "C"): return letterC(rest)
        case UInt8(ascii: "A"): return letterA(rest)
        case UInt8(ascii: "S"):
            if rest.consume("Sent both goodbyes and is peer is disconected (") { return LogMessages.goodbyes(rest) }
            if rest.isExactly("SIGTERM received. Closing.") || rest.isExactly("SIGINT received. Closing.") {
                return .stopping
            }
            if rest.hasPrefix("Service '") && rest.hasSuffix("' successfully established") { return harmless(rest) }
            return rest.hasPrefix("Set RTP MIDI name to ") || rest.hasPrefix("Send goodbye to ") ? harmless(rest) : nil
        case UInt8(ascii: "T"):
            if rest.hasPrefix("Timeout waiting for CK") && !holdsInvitation(rest) { return .ckTimeout }
            return rest.hasPrefix("Try listen at ") ? harmless(rest) : nil
        case UInt8(ascii: "E"), UInt8(ascii: "U"): return problem(rest)
        default: return other(rest)
        }
    }

    private static func harmless(_ message: LineCursor) -> LogFact? { holdsInvitation(message) ? nil : .noise }

    private static func letterR(_ message: LineCursor) -> LogFact? {
        var rest = message
        if rest.consume("Received command: ") { return harmless(rest) }
        if rest.consume("Remote client connects to local server at port ") {
            guard rest.readNumber() != nil, rest.consume(". Name: "), !holdsInvitation(rest) else { return nil }
            return .joinedWithoutPort(name: rest.name)
        }
        if rest.consume("Remove aseq port ") {
            guard let port = rest.readNumber(), rest.isEmpty else { return nil }
            return .oldPortRemoved(port: port)
        }
        if rest.consume("Removed peer ") {
            guard let id = rest.readNumber(), rest.isEmpty else { return nil }
            return .peerRemoved(id: id)
        }
        let known =
            rest.isExactly("Received own announcement")
            || rest.isExactly("Removed old control socket. Creating new one.")
            || rest.hasPrefix("Real Time Protocol Music Instrument Digital Interface Daemon - ")
        return known ? harmless(rest) : nil
    }

    private static func letterC(_ message: LineCursor) -> LogFact? {
        var rest = message
        if rest.consume("Created alsapeer ") { return LogMessages.portMade(rest) }
        if rest.consume("Closed control connection: ") {
            return rest.readNumber() != nil && rest.isEmpty ? .noise : nil
        }
        if rest.consume("Control socket ready at ") {
            return holdsInvitation(rest) ? nil : .controlReady(path: rest.name)
        }
        if holdsInvitation(rest) { return nil }
        if rest.hasPrefix("Can't open sequencer.") { return .noSequencer(rest.text) }
        if rest.hasPrefix("Client failure: ") { return .avahiProblem(rest.text) }
        if rest.hasPrefix("Can't remove fd ") { return .error(rest.text) }
        return rest.hasPrefix("Control port at ") || rest.hasPrefix("Connected from ") ? .noise : nil
    }

    private static func letterA(_ message: LineCursor) -> LogFact? {
        var rest = message
        if rest.consume("Added control connection: ") { return rest.readNumber() != nil && rest.isEmpty ? .noise : nil }
        if rest.consume("Added peer ") {
            guard let id = rest.readNumber(), rest.isEmpty else { return nil }
            return .peerAdded(id: id, kind: .untold)
        }
        return rest.hasPrefix("Announce ") ? harmless(rest) : nil
    }

    private static func problem(_ message: LineCursor) -> LogFact? {
        if holdsInvitation(message) { return nil }
        if message.hasPrefix("Error creating server at ") { return .bindFailed(message.text) }
        if message.hasPrefix("Unhandled exception: ") {
            if message.contains("open sequencer") { return .noSequencer(message.text) }
            return message.contains("rtpmidi control socket") ? .bindFailed(message.text) : .fatal(message.text)
        }
        if message.hasPrefix("Error creating avahi client") { return .avahiProblem(message.text) }
        if message.hasPrefix("Error Binding socket at ") { return .controlFailed(message.text) }
        if message.hasPrefix("Error ") { return .error(message.text) }
        // The BYE on the second port, of a participant whom the first BYE has already removed.
        return message.hasPrefix("Unknown peer") ? .noise : nil
    }

    private static func other(_ message: LineCursor) -> LogFact? {
        var rest = message
        if rest.isExactly("Waiting for connections.") { return .waitingForConnections }
        if rest.isExactly("FIN") { return .fin }
        if rest.isExactly("epoll_wait failed: Interrupted system call") { return .noise }
        if rest.consume("New ALSA connection from port ") {
            guard rest.consumeLast(")"), rest.readLastNumber() != nil, rest.consumeLast(":"),
                rest.readLastNumber() != nil,
                rest.consumeLast(" (")
            else { return nil }
            return harmless(rest)
        }
        if rest.consume("~rtppeer '") { return rest.consumeLast("' (remote)") ? harmless(rest) : nil }
        let known =
            rest.hasPrefix("(Browser) ") || rest.hasPrefix("(C) ") || rest.hasPrefix("watch_new ")
            || rest.hasPrefix("mdns 0x") || rest.hasPrefix("settings after argument parsing: ")
            || rest.hasPrefix("status: ")
        return known ? harmless(rest) : nil
    }
}
