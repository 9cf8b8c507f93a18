import EngineProtocol
import HTTP
import PatchBay
import Rooms
import Store

/// Orders over HTTP: each is on record with the address that gave it.
extension Hub {
    func obey(_ order: Order) {
        switch order {
        case .reload(let author, let responder): reload(author, responder)
        case .panic(let room, let all, let author, let responder): panic(room, all, author, responder)
        case .kick(let id, let author, let responder):
            if let echo = echoes.values.first(where: { $0.view.id == id }) {
                return endEcho(echo.view.room, by: author, responder)
            }
            // rtpmidid has no goodbye for one participant (facts: rtpmidid.md 4.2).
            let words =
                kind == .embedded
                ? "was told to go by \(author)"
                : "was taken out of the room by \(author); rtpmidid does not tell its computer, which shows it as connected until it is disconnected there"
            withParticipant(id, author, responder, words, kind: "kick") { $0.kick(id, $1) }
        case .release(let id, let author, let responder):
            let words = "was released: what it held was ended at those who hear it, by \(author)"
            withParticipant(id, author, responder, words, kind: "release") { $0.release(id, $1) }
        case .notesOff(let id, let notes, let author, let responder):
            let words = "was sent note-offs for notes \(notes.lowerBound) to \(notes.upperBound) by \(author)"
            withParticipant(id, author, responder, words, kind: "notes-off") { $0.notesOff(id, notes, $1) }
        case .unmute(let id, let author, let responder):
            withParticipant(id, author, responder, "is no longer muted, by \(author)", kind: "unmute") {
                $0.unmute(id, $1)
            }
        case .block(let block, let isBlocked, let author, let responder):
            set(block, isBlocked, author, responder)
        case .piano(let key, let keys, let author, let responder): play(key, keys, author, responder)
        case .leavePiano(let key, let responder): leavePiano(key, responder)
        case .echo(let room, let seconds, let author, let responder): setEcho(room, for: seconds, author, responder)
        case .endEcho(let room, let author, let responder): endEcho(room, by: author, responder)
        case .restart(let name, let author, let responder):
            guard let engine = engines.first(where: { $0.name == name }) else {
                responder.send(.problem(.notFound, "There is no engine \"\(name)\"."))
                return
            }
            engine.restart(by: author)
            responder.send(Self.done("\(name) is being restarted.", status: .accepted))
        case .sounding(let paging, let responder): askSounding(paging, for: responder)
        case .alerts(let responder): responder.send(.json(JSON.bytes(alerter.view)))
        case .testAlert(let responder): alerter.test(hub: hubName, responder)
        case .stop(let responder):
            responder.send(Self.done("The hub says goodbye and ends.", status: .accepted))
            stop(because: "midihub stop")
        }
    }

    static func done(_ text: String, status: Status = .ok) -> Response {
        .json(JSON.bytes(API.Done(text: text)), status: status)
    }

    private func reload(_ author: Author, _ responder: Responder) {
        do throws(ConfigurationError) {
            let words = try reload()
            context.note("reload", address: author.address, "\(words.dropLast()), by \(author).")
            responder.send(Self.done(words))
        } catch {
            let words = "The new configuration is not used: \(error.description)"
            context.note(
                "reload-failed", severity: .error, address: author.address, "\(words) (asked by \(author))")
            responder.send(.problem(.badRequest, words))
        }
    }

    // MARK: One participant

    private func withParticipant(
        _ id: Int64, _ author: Author, _ responder: Responder, _ words: String, kind: String,
        _ work: (any HubEngine, @escaping (String?) -> Void) -> Bool
    ) {
        let view = engines.lazy.flatMap(\.participants).first { $0.id == id }
        let found = engines.contains { engine in
            work(engine) { [weak self] failure in
                if let failure { return responder.send(.problem(.unavailable, failure)) }
                let sentence = "\(view.map { ShownName.shown($0.name) } ?? "\(id)") \(words)"
                self?.context.note(
                    kind, severity: .warning, room: view?.room, engine: view?.engine, participant: view?.name,
                    address: author.address, sentence)
                responder.send(Self.done("\(sentence)."))
            }
        }
        if !found { responder.send(.problem(.notFound, "There is no participant \(id).")) }
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

    private func set(_ block: Store.Block, _ isBlocked: Bool, _ author: Author, _ responder: Responder) {
        guard context.configuration.rooms.contains(where: { $0.name == block.room }) else {
            responder.send(.problem(.notFound, "There is no room \"\(block.room)\"."))
            return
        }
        if isBlocked, blocks.count >= Self.mostBlocks, !blocks.contains(block) {
            responder.send(.problem(.conflict, "There are \(Self.mostBlocks) blocks already: lift one first."))
            return
        }
        let (from, to) = (ShownName.shown(block.from), ShownName.shown(block.to))
        let wires = "\(to) \(isBlocked ? "no longer hears" : "may hear") \(from) in room \(block.room)"
        guard blocks.contains(block) != isBlocked else {
            return responder.send(Self.done("\(wires): it was so before."))
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
        guard let embedded else { return responder.send(Self.done("\(wires).")) }
        embedded.reload { failure in
            responder.send(
                failure.map { .problem(.unavailable, "It is kept, but the engine does not follow it yet: \($0)") }
                    ?? Self.done("\(wires)."))
        }
    }

    // MARK: Panic

    private func panic(_ room: String?, _ all: Bool, _ author: Author, _ responder: Responder) {
        let bay = context.bay
        let embedded = embedded
        guard bay != nil || embedded != nil else {
            responder.send(.problem(.unavailable, "There is no ALSA sequencer, so nothing can sound."))
            return
        }
        context.note(
            "panic", severity: .warning, room: room, address: author.address,
            "Panic\(all ? ", every note," : "") in \(room.map { "room \($0)" } ?? "all rooms"), by \(author)")
        bay?.send(
            .panic(room: room) { silenced in
                responder.send(Self.silenced(silenced.ports, silenced.notes))
            })
        if all {
            for engine in rtpmidids where room == nil || engine.room.name == room {
                for id in engine.present.keys { bay?.send(.notesOff(id, 0...127)) }
            }
        }
        var request = EngineControl.Request(.panic, room: room)
        request.all = all
        embedded?.ask(request) { reply in
            guard let hearers = reply?.hearers, let notes = reply?.notes else {
                responder.send(.problem(.unavailable, "The engine does not answer."))
                return
            }
            responder.send(Self.silenced(hearers, notes))
        }
    }

    private static func silenced(_ hearers: Int, _ notes: Int) -> Response {
        done(
            "Silenced \(Output.count(hearers, "participant")); \(Output.count(notes, "note")) \(notes == 1 ? "was" : "were") sounding."
        )
    }
}
