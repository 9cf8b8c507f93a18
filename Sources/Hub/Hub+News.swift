import Glibc
import PatchBay
import Store

/// What comes to the loop from elsewhere: the patch bay's news and signals; orders over HTTP are in `Hub+Orders`.
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
            let (notes, hearers) = (released.notes, released.hearers.count)
            context.note(
                "released", participant: released.name,
                "\(released.name) left \(Output.count(notes, "note")) sounding: released at \(Output.count(hearers, "participant"))"
            )
        case .restored(let lost):
            context.note(
                "restored", severity: .warning,
                "\(Output.count(lost.count, "connection")) removed by somebody else: made again")
        case .listening(let trouble):
            guard trouble != listenerTrouble else { break }
            listenerTrouble = trouble
            if let trouble {
                context.note(
                    "patchbay", severity: .warning, "What players hold is not known: \(trouble). MIDI goes on.")
            } else {
                context.note("patchbay", "What players hold is known again")
            }
        case .trouble(let words): context.note("patchbay", severity: .warning, words)
        case .sounding(let ports): heardSounding(ports)
        case .echoReturned(let id):
            let one = rtpmidids.lazy.compactMap { $0.present[id] }.first
            if let one { echoReturned(in: one.visit.room, by: one.visit.name) }
        case .activity(let counts):
            for engine in rtpmidids { for (id, messages) in counts { engine.heard(id, messages) } }
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
}
