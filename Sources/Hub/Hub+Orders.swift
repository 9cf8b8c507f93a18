import Glibc
import HTTP
import PatchBay
import Rooms
import Store

/// What comes to the loop from elsewhere: the patch bay's news, signals, and orders over HTTP.
extension Hub {
    func take(_ item: News) {
        switch item {
        case .appeared(let appearance):
            rtpmidids.first { $0.name == appearance.engine }?.appeared(appearance)
        case .vanished(let id):
            for engine in engines + retired {
                if let engine = engine as? RtpmididEngine, engine.present[id] != nil { engine.vanished(id) }
            }
        case .wires(let now):
            wires = now
            publishSoon()
        case .released(let released):
            guard released.notes > 0 else { break }
            let notes = released.notes == 1 ? "1 note" : "\(released.notes) notes"
            context.note(
                "released",
                "\(released.name) left \(notes) sounding: released at \(released.hearers.count) participants")
        case .restored(let lost):
            context.note(
                "restored", severity: .warning,
                "\(lost.count) connections were removed by somebody else and are made again")
        case .trouble(let words): context.note("patchbay", severity: .warning, words)
        case .activity(let counts):
            for engine in rtpmidids { for id in counts.keys { engine.heard(id) } }
        }
    }

    func take(signal: CInt) {
        switch signal {
        case SIGHUP:
            do throws(ConfigurationError) {
                context.note("reload", try reload())
            } catch {
                context.note(
                    "reload-failed", severity: .error, "The new configuration is not used: \(error.description)")
            }
        case SIGUSR2: leave()
        default: stop(because: "signal \(signal)")
        }
    }

    func obey(_ order: Order) {
        switch order {
        case .reload(let responder):
            do throws(ConfigurationError) {
                let words = try reload()
                context.note("reload", words)
                responder.send(Self.done(words))
            } catch {
                context.note(
                    "reload-failed", severity: .error, "The new configuration is not used: \(error.description)")
                responder.send(.problem(.badRequest, "The new configuration is not used: \(error.description)"))
            }
        case .panic(let room, let author, let responder): panic(room, author, responder)
        case .restart(let name, let author, let responder):
            guard let engine = engines.first(where: { $0.name == name }) else {
                responder.send(.problem(.notFound, "There is no engine \"\(name)\"."))
                return
            }
            engine.restart(by: author)
            responder.send(Self.done("\(name) is being restarted.", status: .accepted))
        case .stop(let responder):
            responder.send(Self.done("The hub says goodbye and ends.", status: .accepted))
            stop(because: "midihub stop")
        }
    }

    private static func done(_ text: String, status: Status = .ok) -> Response {
        .json(Array(API.encode(API.Done(text: text)).utf8), status: status)
    }

    private func panic(_ room: String?, _ author: String, _ responder: Responder) {
        let bay = context.bay
        let embedded = embedded
        guard bay != nil || embedded != nil else {
            responder.send(.problem(.unavailable, "There is no ALSA sequencer, so nothing can sound."))
            return
        }
        context.note(
            "panic", severity: .warning, room: room,
            "Panic in \(room.map { "room \($0)" } ?? "all rooms"), by \(author)")
        bay?.send(
            .panic(room: room) { silenced in
                responder.send(Self.silenced(silenced.ports, silenced.notes))
            })
        embedded?.ask(.init(.panic, room: room)) { reply in
            guard let hearers = reply?.hearers, let notes = reply?.notes else {
                responder.send(.problem(.unavailable, "The engine does not answer."))
                return
            }
            responder.send(Self.silenced(hearers, notes))
        }
    }

    private static func silenced(_ hearers: Int, _ notes: Int) -> Response {
        done("Silenced \(hearers) participants; \(notes) notes were sounding.")
    }
}
