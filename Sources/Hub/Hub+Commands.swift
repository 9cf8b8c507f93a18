import EngineProtocol
import PatchBay
import Rooms
import Store

/// What the hub is told to do: each command is on record with the address that gave it.
extension Hub {
    func receive(_ request: HubRequest) {
        switch request {
        case .command(let command, let author, let reply): obey(command, by: author, reply)
        case .sounding(let answer): askSounding(for: answer)
        case .alerts(let answer): answer(alerter.state)
        }
    }

    private func obey(_ command: Command, by author: Author, _ reply: @escaping Reply) {
        if let room = command.room, !context.configuration.rooms.contains(where: { $0.name == room }) {
            return reply(.notFound("There is no room \"\(room)\"."))
        }
        switch command {
        case .reload: reload(author, reply)
        case .panic(let room, let all): panic(room, all, author, reply)
        case .member(let id, let command): perform(command, on: id, author, reply)
        case .block(let block, let isBlocked): set(block, isBlocked, author, reply)
        case .piano(let key, let strokes): play(key, strokes, author, reply)
        case .leavePiano(let key): leavePiano(key, reply)
        case .echo(let room, let seconds): setEcho(room, for: seconds, author, reply)
        case .endEcho(let room): endEcho(room, by: author, reply)
        case .restart(let name):
            guard let engine = engines.first(where: { $0.name == name }) else {
                return reply(.notFound("There is no engine \"\(name)\"."))
            }
            engine.restart(by: author)
            reply(.accepted("\(name) is being restarted."))
        case .testAlert: alerter.test(hub: hubName, reply)
        case .stop:
            reply(.accepted("The hub says goodbye and ends."))
            stop(because: "midihub stop")
        }
    }

    private func reload(_ author: Author, _ reply: @escaping Reply) {
        do throws(ConfigurationError) {
            let words = try reload()
            context.note("reload", address: author.address, "\(words.dropLast()), by \(author).")
            reply(.done(words))
        } catch {
            let words = "The new configuration is not used: \(error.description)"
            context.note(
                "reload-failed", severity: .error, address: author.address, "\(words) (asked by \(author))")
            reply(.invalid(words))
        }
    }

    // MARK: One participant

    private func perform(_ command: MemberCommand, on id: Int64, _ author: Author, _ reply: @escaping Reply) {
        if command == .kick, let echo = echoes.values.first(where: { $0.view.id == id }) {
            return endEcho(echo.view.room, by: author, reply)
        }
        let view = engines.lazy.flatMap(\.participants).first { $0.id == id }
        let found = engines.contains { engine in
            engine.perform(command, on: id) { [weak self] failure in
                guard let self else { return }
                if let failure { return reply(failure) }
                let (kind, words) = words(for: command, author)
                let sentence = "\(view.map { ShownName.shown($0.name) } ?? "\(id)") \(words)"
                context.note(
                    kind, severity: .warning, room: view?.room, engine: view?.engine, participant: view?.name,
                    address: author.address, sentence)
                reply(.done("\(sentence)."))
            }
        }
        if !found { reply(.notFound("There is no participant \(id).")) }
    }

    /// The kind of its event, and what becomes of a participant by it.
    private func words(for command: MemberCommand, _ author: Author) -> (kind: String, words: String) {
        switch command {
        case .kick where kind == .embedded: ("kick", "was told to go by \(author)")
        // rtpmidid has no goodbye for one participant.
        case .kick:
            (
                "kick",
                "was taken out of the room by \(author); rtpmidid does not tell its computer, which shows it as connected until it is disconnected there"
            )
        case .release: ("release", "was released: what it held was ended at those who hear it, by \(author)")
        case .notesOff(let notes):
            ("notes-off", "was sent note-offs for notes \(notes.lowerBound) to \(notes.upperBound) by \(author)")
        case .unmute: ("unmute", "is no longer muted, by \(author)")
        }
    }

    // MARK: Blocks

    /// More than that is no music.
    private static let mostBlocks = 1000

    var roomBlocks: [String: Set<Rooms.Block>] {
        Dictionary(grouping: blocks, by: \.room).mapValues { list in
            Set(list.map { Rooms.Block(from: $0.from, to: $0.to) })
        }
    }

    /// In an order of their own, so that a plan that has not changed is the same file.
    func blocks(of room: String) -> [Rooms.Block] {
        blocks.filter { $0.room == room }.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
            .map { Rooms.Block(from: $0.from, to: $0.to) }
    }

    /// The patch bay knows a participant by its ALSA name, which has 63 bytes at most.
    func tellBayBlocks() {
        func short(_ name: String?) -> String? { name.map { String(decoding: $0.utf8.prefix(63), as: UTF8.self) } }
        context.bay?.send(
            .blocks(
                roomBlocks.mapValues { blocks in
                    blocks.union(blocks.map { Rooms.Block(from: short($0.from), to: short($0.to)) })
                }))
    }

    private func set(_ block: Store.Block, _ isBlocked: Bool, _ author: Author, _ reply: @escaping Reply) {
        if isBlocked, blocks.count >= Self.mostBlocks, !blocks.contains(block) {
            reply(.conflict("There are \(Self.mostBlocks) blocks already: lift one first."))
            return
        }
        let (from, to) = (ShownName.shown(block.from), ShownName.shown(block.to))
        let wires = "\(to) \(isBlocked ? "no longer hears" : "may hear") \(from) in room \(block.room)"
        guard blocks.contains(block) != isBlocked else {
            return reply(.done("\(wires): it was so before."))
        }
        if isBlocked { blocks.insert(block) } else { blocks.remove(block) }
        if isBlocked { lifted.remove(block) } else { lifted.insert(block) }
        context.recorder.add(
            isBlocked
                ? .block(room: block.room, from: block.from, to: block.to)
                : .unblock(room: block.room, from: block.from, to: block.to))
        context.note(
            isBlocked ? "block" : "unblock", room: block.room, address: author.address, "\(wires), by \(author)")
        tellBayBlocks()
        publishSoon()
        guard let embedded else { return reply(.done("\(wires).")) }
        embedded.reload { failure in
            reply(
                failure.map { .unavailable("It is kept, but the engine does not follow it yet: \($0)") }
                    ?? .done("\(wires)."))
        }
    }

    // MARK: Panic

    private func panic(_ room: String?, _ all: Bool, _ author: Author, _ reply: @escaping Reply) {
        let bay = context.bay
        let embedded = embedded
        guard bay != nil || embedded != nil else {
            reply(.unavailable("There is no ALSA sequencer, so nothing can sound."))
            return
        }
        context.note(
            "panic", severity: .warning, room: room, address: author.address,
            "Panic\(all ? ", every note," : "") in \(room.map { "room \($0)" } ?? "all rooms"), by \(author)")
        bay?.send(
            .panic(room: room) { silenced in
                reply(Self.silenced(silenced.ports, silenced.notes))
            })
        if all {
            for engine in rtpmidids where room == nil || engine.room.name == room {
                for id in engine.present.keys { bay?.send(.notesOff(id, 0...127)) }
            }
        }
        var request = EngineControl.Request(.panic, room: room)
        request.all = all
        embedded?.ask(request) { answer in
            guard let hearers = answer?.hearers, let notes = answer?.notes else {
                reply(.unavailable("The engine does not answer."))
                return
            }
            reply(Self.silenced(hearers, notes))
        }
    }

    private static func silenced(_ hearers: Int, _ notes: Int) -> CommandReply {
        .done(
            "Silenced \(Output.count(hearers, "participant")); \(Output.count(notes, "note")) \(notes == 1 ? "was" : "were") sounding."
        )
    }
}
