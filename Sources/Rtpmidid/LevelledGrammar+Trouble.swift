extension LevelledGrammar {
    static func warning(file: LineCursor, _ message: LineCursor) -> LogFact? {
        var rest = message
        if file.isExactly("midirouter") {
            // Four of these for every other participant whenever one leaves.
            guard rest.consume("Sending to unknown peer "), rest.readNumber() != nil, rest.consume(" -> "),
                rest.readNumber() != nil, rest.isEmpty
            else { return nil }
            return .noise
        }
        if file.isExactly("aseq") {
            guard rest.consume("This event type "), rest.readNumber() != nil else { return nil }
            return rest.isExactly(" is not managed yet") ? .noise : nil
        }
        if file.isExactly("rtppeer") {
            // The second one for every packet of a participant that sends a journal.
            if rest.hasPrefix("This RTP MIDI header has journal.") && !holdsInvitation(rest) { return .noise }
            let known = rest.hasPrefix("This peer is already connected. But OK, I will accept it anew.")
            return known && !holdsInvitation(rest) ? .alreadyConnected : nil
        }
        return file.isExactly("mdns_rtpmidi") && !holdsInvitation(rest) ? .avahiProblem(rest.text) : nil
    }

    static func error(file: LineCursor, _ message: LineCursor) -> LogFact? {
        if holdsInvitation(message) { return nil }
        if file.isExactly("mdns_rtpmidi") { return .avahiProblem(message.text) }
        if file.isExactly("udppeer") && message.hasPrefix("Error binding socket: ") { return .bindFailed(message.text) }
        // `status` says this of every session that has not come about yet.
        if file.isExactly("networkaddress") && message.isExactly("This network address do not point to any address.") {
            return .noise
        }
        if file.isExactly("networkaddress") && message.hasPrefix("Error getting address info for ") {
            return .bindFailed(message.text)
        }
        if file.isExactly("control_socket") && message.hasPrefix("Error Binding socket at ") {
            return .controlFailed(message.text)
        }
        if file.isExactly("main") {
            if message.hasPrefix("Error on setup: Can't open sequencer.") { return .noSequencer(message.text) }
            return message.hasPrefix("Error on setup: ") ? .fatal(message.text) : nil
        }
        if file.isExactly("argv") && message.hasPrefix("Unknown argument: ") { return .fatal(message.text) }
        // Our own SIGTERM; and `<id>.status`, which works all the same.
        if file.isExactly("poller") && message.isExactly("epoll_wait failed: Interrupted system call") { return .noise }
        if file.isExactly("midipeer") && message.isExactly("Unknown command: status") { return .noise }
        return nil
    }
}
