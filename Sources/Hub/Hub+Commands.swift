import EngineProtocol
import Rooms
import Store

/// What the hub is told to do: each command is on record with the address that gave it.
extension Hub {
    func receive(_ request: HubRequest) {
        switch request {
        case .command(let command, let author, let reply): obey(command, by: author, reply)
        case .sounding(let answer): askSounding(for: answer)
        case .alerts(let answer): answer(alerter.state)
        case .devices(let pattern, let answer): answer(devices(pattern))
        }
    }

    private func obey(_ command: Command, by author: Author, _ reply: @escaping Reply) {
        if let room = command.room, !context.configuration.rooms.contains(where: { $0.name == room }) {
            return reply(.notFound("There is no room \"\(room)\"."))
        }
        if refusedByLock(command, by: author, reply) { return }
        switch command {
        case .reload: reload(author, reply)
        case .panic(let room, let all): panic(room, all, author, reply)
        case .member(let id, let command): perform(command, on: id, author, reply)
        case .block(let room, let block, let isBlocked): set(block, in: room, isBlocked, author, reply)
        case .piano(let key, let strokes): play(key, strokes, author, reply)
        case .leavePiano(let key): leavePiano(key, reply)
        case .echo(let room, let seconds): setEcho(room, for: seconds, author, reply)
        case .endEcho(let room): endEcho(room, by: author, reply)
        case .focus(let room, let member): setFocus(to: member, in: room, author, reply)
        case .choose(let room, let input, let member): choose(member, of: input, in: room, author, reply)
        case .connect(let room, let host, let name): connect(host, name, to: room, author, reply)
        case .letIn(let room, let announced, let name): letIn(announced, name, to: room, author, reply)
        case .disconnect(let room, let name): disconnect(name, from: room, author, reply)
        case .failover(let order, let force): obey(order, force: force, author, reply)
        case .pair(let id, let other): pair(id, with: other, author, reply)
        case .unpair(let id): unpair(id, author, reply)
        case .drill(let order, let force): drill(order, force: force, author, reply)
        case .restart(let name):
            guard let engine = carrier.engines.first(where: { $0.name == name }) else {
                return reply(.notFound("There is no engine \"\(name)\"."))
            }
            engine.restart(by: author)
            reply(.accepted("\(name) is being restarted."))
        case .testAlert: alerter.test(hub: hubName, reply)
        case .stop:
            reply(.accepted("The hub says goodbye and ends."))
            stop(because: "midihub stop")
        case .lock(let name): lock(by: name, author, reply)
        case .unlock: unlock(author, reply)
        case .putOffRestart: putOffRestart(author, reply)
        }
    }

    private func reload(_ author: Author, _ reply: @escaping Reply) {
        do throws(ConfigurationError) {
            let text = try reload()
            context.note(.reload, address: author.address, "\(text.dropLast()), by \(author).")
            reply(.done(text))
        } catch {
            let text = "The new configuration is not used: \(error.description)"
            context.note(
                .reloadFailed, severity: .error, address: author.address, "\(text) (asked by \(author))")
            reply(.invalid(text))
        }
    }

    // MARK: One participant

    private func perform(_ command: MemberCommand, on id: Int64, _ author: Author, _ reply: @escaping Reply) {
        if command == .kick, let echo = echoes.values.first(where: { $0.view.id == id }) {
            return endEcho(echo.view.room, by: author, reply)
        }
        let view = carrier.participants.first { $0.id == id }
        if command == .kick, let view, sendAway(view, author, reply) { return }
        let found = carrier.perform(command, on: id) { [weak self] failure in
            guard let self else { return }
            if let failure { return reply(failure) }
            let (kind, text) = text(for: command, author)
            let sentence = "\(view.map { ShownName.shown($0.name) } ?? "\(id)") \(text)"
            context.note(
                kind, severity: .warning, room: view?.room, engine: view?.engine, participant: view?.name,
                address: author.address, sentence)
            reply(.done("\(sentence)."))
        }
        if !found { reply(.notFound("There is no participant \(id).")) }
    }

    /// The kind of the command's event, and what happened to the participant, in words that follow its name.
    private func text(for command: MemberCommand, _ author: Author) -> (kind: EventKind, text: String) {
        switch command {
        case .kick: (.kick, carrier.textForKick(by: author))
        case .release: (.release, "was released: what it held was ended at those who hear it, by \(author)")
        case .notesOff(let notes):
            (.notesOff, "was sent note-offs for notes \(notes.lowerBound) to \(notes.upperBound) by \(author)")
        case .unmute: (.unmute, "is no longer muted, by \(author)")
        }
    }

    // MARK: Blocks

    /// In all rooms together. Each block is compared with every pair of participants.
    private static let mostBlocks = 1000

    func record(_ block: Block, in room: String, isBlocked: Bool) {
        guard let from = block.from, let to = block.to else { return }
        context.recorder.add(
            isBlocked ? .block(room: room, from: from, to: to) : .unblock(room: room, from: from, to: to))
    }

    func keep(_ block: Block, in room: String, isBlocked: Bool) {
        if isBlocked {
            blocks[room, default: []].insert(block)
            lifted[room]?.remove(block)
        } else {
            blocks[room]?.remove(block)
            lifted[room, default: []].insert(block)
        }
        record(block, in: room, isBlocked: isBlocked)
    }

    /// Without a full stop.
    static func sentence(_ block: Block, in room: String, _ isBlocked: Bool) -> String {
        let (from, to) = (ShownName.shown(block.from ?? "everybody"), ShownName.shown(block.to ?? "Everybody"))
        return "\(to) \(isBlocked ? "no longer hears" : "may hear") \(from) in room \(room)"
    }

    private func set(_ block: Block, in room: String, _ isBlocked: Bool, _ author: Author, _ reply: @escaping Reply) {
        let known = blocks[room]?.contains(block) ?? false
        if isBlocked, !known, blocks.values.lazy.map(\.count).reduce(0, +) >= Self.mostBlocks {
            return reply(.conflict("There are \(Self.mostBlocks) blocks already: lift one first."))
        }
        let wires = Self.sentence(block, in: room, isBlocked)
        guard known != isBlocked else { return reply(.done("\(wires): it was so before.")) }
        keep(block, in: room, isBlocked: isBlocked)
        hasChosen(in: room)
        context.note(isBlocked ? .block : .unblock, room: room, address: author.address, "\(wires), by \(author)")
        applyPlan { failure in
            reply(.kept("\(wires).", failure))
        }
    }

    // MARK: Panic

    private func panic(_ room: String?, _ all: Bool, _ author: Author, _ reply: @escaping Reply) {
        context.note(
            .panic, severity: .warning, room: room, address: author.address,
            "Panic\(all ? ", every note," : "") in \(room.map { "room \($0)" } ?? "all rooms"), by \(author)")
        carrier.panic(room, all: all) { outcome in
            switch outcome {
            case .silenced(let hearers, let notes):
                let sounding = "\(Output.count(notes, "note")) \(notes == 1 ? "was" : "were") sounding"
                reply(.done("Silenced \(Output.count(hearers, "participant")); \(sounding)."))
            case .failed(let text): reply(.unavailable(text))
            }
        }
    }
}
