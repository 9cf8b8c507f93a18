import Linux
import Rooms
import Sequencer

/// What participants play is heard by a process of its own, so that whoever plays is never held up by this one.
extension PatchBayLoop {
    /// Takes in what participants have played. Everything that was sent before this call has been seen after it, or is
    /// unsure from then on.
    func hearMessages() {
        guard listener.descriptor != nil else { return }
        switch listener.hearAll({ handle($0) }) {
        case .everything: break
        case .late: loseSight()
        case .ended: replaceListener()
        }
    }

    private func handle(_ received: SequencerHandle.Received) {
        switch received {
        case .input(.midi(let address, _, let message)):
            guard let port = ports[address] else { break }
            if let message {
                if let slot = port.slot { table.changeState(slot) { $0.apply(message) } }
                port.played.follow(message)
                watchEcho(message, of: port)
                if message.isTouch { tellTouch(of: port) }
            }
            heard(port)
        case .overflow:
            loseSight()
            tell("more messages came than could be watched: what is held is known in part only")
        case .input(.announcement), .input(.other), .empty, .failed: break
        }
    }

    private func loseSight() {
        for port in ports.values { if let slot = port.slot { table.changeState(slot) { $0.loseSight() } } }
    }

    // MARK: The process

    /// Starts the listener where none is. Where it cannot be started nobody is tapped: events that nobody reads would soon
    /// make the kernel refuse those who send them.
    func listen() {
        guard listener.descriptor == nil else { return }
        do throws(Errno) {
            try listener.start()
            for descriptor in [tap.descriptor, listener.descriptor!] {  // just started
                heardFrom.append(try loop.watch(descriptor, .read) { [unowned self] _ in hearSome() })
            }
        } catch { return doWithoutListener("\(error)") }
        judgeListener(at: listener.heardAt + tuning.listenerStart)
    }

    var canTap: Bool { listener.descriptor != nil && !isDeaf }

    func endListening() {
        tap.endSubscriptions(to: tapPort.port)
        endListener()
    }

    private func hearSome() {
        if !listener.hearSome({ handle($0) }) { return replaceListener() }
        guard listener.hasBegun, heardFrom.count == 2 else { return }
        // From now on the tap is read there.
        loop.unwatch(heardFrom.removeFirst())
        judgeListener(at: listener.heardAt + tuning.listenerTimeout)
        isDeaf = false
        for port in ports.values where port.standing == .participant && !port.isTapped { retap(port) }
        news.send(.listening(nil))
    }

    private func judgeListener(at time: ContinuousClock.Instant) {
        judgement = time
        silence.due = time
    }

    /// The listener may have been silent for too long.
    func judgeListener() {
        let isLate = judgement.duration(to: .now) > tuning.listenerTimeout / 2
        // What it said while this thread was busy or stopped has not been read yet.
        if listener.descriptor != nil { hearSome() }
        guard listener.descriptor != nil else { return }
        let next = listener.heardAt + (listener.hasBegun ? tuning.listenerTimeout : tuning.listenerStart)
        if next > .now {
            judgeListener(at: next)
        } else if isLate, !listener.isExcused {
            // This thread was late itself, as when the whole machine is suspended: tolerated once.
            listener.isExcused = true
            judgeListener(at: .now + tuning.listenerTimeout)
        } else {
            replaceListener()
        }
    }

    /// It has ended, or reads no more: another takes its place, before what the kernel keeps for it is too much. What it
    /// had in hand may be lost.
    private func replaceListener() {
        let hadBegun = listener.hasBegun
        endListener()
        loseSight()
        replacements += 1
        // Where a listener could not start, or several have ended, starting another at once would not help.
        guard hadBegun, replacements <= 3 else {
            return doWithoutListener(hadBegun ? "it ends again and again" : "it does not begin to listen")
        }
        tell("the listener had stopped or ended, and was replaced: what is held is known in part only")
        listen()
    }

    private func endListener() {
        for registration in heardFrom { loop.unwatch(registration) }
        heardFrom = []
        listener.end { handle($0) }
    }

    private func doWithoutListener(_ why: String) {
        endListening()
        for port in ports.values { port.isTapped = false }
        guard !isDeaf else { return }
        isDeaf = true
        news.send(.listening("the listener cannot be started: \(why)"))
    }
}
