import Linux
import Rooms
import Store

/// The echo: wires from each participant to itself, for a while, so that somebody who is alone can hear that the way works.
extension Hub {
    /// In seconds. Whoever wants an echo for longer asks for it again.
    package static let longestEcho: Int64 = 1800

    func setEcho(_ name: String, for seconds: Int64, _ author: Author, _ reply: @escaping Reply) {
        guard let room = context.configuration.rooms.first(where: { $0.name == name }), let port = room.ports.first
        else { return reply(.notFound("There is no room \"\(name)\".")) }
        guard room.policy != .pair, room.policy != .named else {
            let text = "In room \(name) nobody both sends and hears (its policy is \(room.policy.rawValue)): no echo."
            return reply(.conflict(text))
        }
        let old = echoes[name]
        if let old { context.loop.cancel(old.timer) }
        let until = Timestamp.now.advanced(by: .seconds(seconds))
        var view = Snapshot.Participant(
            id: old?.view.id ?? context.makeVisitID(), name: Room.echoName, room: name, port: port,
            engine: carrier.engines.first?.name ?? "", since: old?.view.since ?? Timestamp.now.milliseconds)
        view.echo = true
        view.until = until.milliseconds
        view.remark = "gives back to each what they play, to them alone"
        let timer = context.loop.after(.seconds(seconds)) { [unowned self] in
            endEcho(name, "its time is over")
        }
        echoes[name] = Echo(view: view, timer: timer)
        if old == nil {
            context.note(
                .echoOn, room: name, participant: Room.echoName, address: author.address,
                "Echo in room \(name) switched on by \(author), for \(seconds < 120 ? "\(seconds) s" : "\(seconds / 60) min")"
            )
        }
        applyPlan { failure in
            reply(
                failure.map { .unavailable("The engine does not follow it yet: \($0)") }
                    ?? .done("What each plays in room \(name) comes back to them."))
        }
    }

    func endEcho(_ name: String, by author: Author, _ reply: @escaping Reply) {
        guard echoes[name] != nil else { return reply(.done("There was no echo in room \(name).")) }
        endEcho(name, address: author.address, "switched off by \(author)") { failure in
            reply(
                failure.map { .unavailable("The engine does not follow it yet: \($0)") }
                    ?? .done("There is no echo in room \(name) any more."))
        }
    }

    func echoReturned(in name: String, by participant: String) {
        endEcho(
            name, severity: .warning,
            "\(ShownName.shown(participant)) sends back what the echo gives it; on its computer, switch off MIDI thru")
    }

    /// Forgets the echoes of rooms that a reload has removed.
    func forgetEchoes() {
        for name in echoes.keys where !context.configuration.rooms.contains(where: { $0.name == name }) {
            if let echo = echoes.removeValue(forKey: name) { context.loop.cancel(echo.timer) }
        }
    }

    private func endEcho(
        _ name: String, severity: EventRecord.Severity = .info, address: String? = nil, _ reason: String,
        _ done: @escaping (String?) -> Void = { _ in }
    ) {
        guard let echo = echoes.removeValue(forKey: name) else { return done(nil) }
        context.loop.cancel(echo.timer)
        context.note(
            .echoOff, severity: severity, room: name, participant: Room.echoName, address: address,
            "Echo in room \(name) is off: \(reason)")
        applyPlan(done)
    }
}
