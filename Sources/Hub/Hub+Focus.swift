import EngineProtocol
import Linux
import Rooms
import Store

/// Who feeds back to a room's controllers, and which of several controllers is heard. What is decided here is a fact of the
/// room, which its carrier follows by itself.
extension Hub {
    // MARK: Orders

    /// An order takes the focus from whoever has it.
    func setFocus(to member: String?, in name: String, _ author: Author, _ reply: @escaping Reply) {
        guard let member else { return releaseFocus(of: name, author, reply) }
        let shown = ShownName.shown(member)
        if let refusal = room(name)?.refusal(ofFocusTo: member) {
            return reply(refusal.reply(to: shown, in: name))
        }
        let before = claims.holder(in: name)
        let sentence = "\(shown) has the focus in room \(name)"
        guard before != member else { return reply(.done("\(sentence): it was so before.")) }
        let text = before.map { "\(sentence); \(ShownName.shown($0)) had it" } ?? sentence
        give(member, in: name, address: author.address, "\(text), by \(author)") {
            reply(.kept("\(text).", $0))
        }
    }

    private func releaseFocus(of name: String, _ author: Author, _ reply: @escaping Reply) {
        guard let plan = plan.rooms.first(where: { $0.name == name }), plan.focus != nil else {
            return reply(FocusRefusal.noController.reply(to: "", in: name))
        }
        guard let before = claims.holder(in: name) else {
            return reply(.done("Nobody had the focus in room \(name)."))
        }
        let text = "Nobody has the focus in room \(name) any more; \(ShownName.shown(before)) had it"
        give(nil, in: name, address: author.address, "\(text), by \(author)") {
            reply(.kept("\(text).", $0))
        }
    }

    /// Lets a controller of an input be heard in place of the others.
    func choose(
        _ member: String?, of input: String, in name: String, _ author: Author, _ reply: @escaping Reply
    ) {
        let what = "input \(input) of room \(name)"
        guard let plan = plan.rooms.first(where: { $0.name == name })?.inputs?.first(where: { $0.name == input }) else {
            return reply(.notFound("There is no input \"\(input)\" in room \(name)."))
        }
        guard plan.firstOnly ?? false else {
            return reply(.conflict("All controllers of \(what) are heard (live is both): there is nothing to choose."))
        }
        if let member {
            guard plan.of.contains(member) else {
                let names = plan.of.map(ShownName.shown).joined(separator: ", ")
                return reply(.notFound("\(ShownName.shown(member)) is no controller of \(what): they are \(names)."))
            }
            guard isHere(member, in: name) else {
                return reply(.notFound("There is no participant \"\(ShownName.shown(member))\" in room \(name)."))
            }
        }
        let sentence = member.map { "\(ShownName.shown($0)) is live" } ?? "The first controller that is here is live"
        guard claims.chosen(of: input, in: name) != member else {
            return reply(.done("\(sentence) in \(what): it was so before."))
        }
        choose(member, of: input, in: name, address: author.address, "\(sentence) in \(what), by \(author)") {
            reply(.kept("\(sentence) in \(what).", $0))
        }
    }

    // MARK: What the players do

    /// The carrier tells that somebody has played where nobody may have the focus. Whoever has it and answers no more gives
    /// way, and keeps it where nobody else plays.
    func touched(by member: String, in name: String) {
        guard let focus = plan.rooms.first(where: { $0.name == name })?.focus, focus.byTouch ?? false,
            claims.holder(in: name).map({ $0 != member && !isHere($0, in: name, silentToo: false) }) ?? true,
            room(name)?.refusal(ofFocusTo: member) == nil
        else { return }
        var reason = "it was the first who played"
        if let before = claims.holder(in: name), isHere(before, in: name) {
            reason = "\(ShownName.shown(before)), who had it, does not answer"
        }
        give(member, in: name, "\(ShownName.shown(member)) has the focus in room \(name): \(reason)")
    }

    /// Somebody has left or fallen silent. Judged when this turn is over, since several may leave at once; of two hubs, when it
    /// is known whether the other one still has them.
    func seeWhoIsMissing(_ visit: Visit) {
        guard !isStopping, let room = plan.rooms.first(where: { $0.name == visit.room }),
            room.focus != nil || room.inputs != nil
        else { return }
        let (name, member) = (visit.room, visit.name)
        context.loop.after(context.configuration.failover == nil ? .zero : .seconds(2)) { [unowned self] in
            judgeMissing(member, in: name)
        }
    }

    func judgeMissing(_ member: String, in name: String) {
        guard !isStopping, seesToPlayers else { return }
        if claims.holder(in: name) == member, areEnginesReady { freeFocus(of: name) }
        keepLive(in: name, without: member)
    }

    /// Whoever had the focus when the engines or the hub ended, and has not come back in a minute, has it no more.
    func freeAbandonedFocus() {
        let minute = Timestamp.now.advanced(by: .seconds(-60))
        guard !isStopping, seesToPlayers, startedAt < minute, areEnginesReady,
            carrier.engines.allSatisfy({ $0.run.since < minute })
        else { return }
        for room in plan.rooms where room.focus?.holder != nil { freeFocus(of: room.name) }
    }

    /// Of two hubs the one that speaks sees to who has what in the rooms of both.
    private var seesToPlayers: Bool { failoverWatch.isSpeaking != false }

    private var areEnginesReady: Bool { carrier.engines.allSatisfy(\.run.isReady) }

    private func freeFocus(of name: String) {
        guard let holder = claims.holder(in: name), !isHere(holder, in: name) else { return }
        give(nil, in: name, "Nobody has the focus in room \(name) any more: \(ShownName.shown(holder)) has left")
    }

    /// A controller that took over stays live when the one before it comes back: nothing changes in the middle of a piece
    /// but by an order, or when the one that is live goes.
    private func keepLive(in name: String, without member: String) {
        for input in plan.rooms.first(where: { $0.name == name })?.inputs ?? []
        where input.firstOnly ?? false && input.of.contains(member) && !isHere(member, in: name, silentToo: false) {
            let order = input.order
            guard let next = order.first(where: { isHere($0, in: name, silentToo: false) }),
                order.firstIndex(of: member)! < order.firstIndex(of: next)!  // both are among them
            else { continue }
            choose(
                next, of: input.name, in: name,
                "\(ShownName.shown(next)) is live in input \(input.name) of room \(name): \(ShownName.shown(member)) is missing"
            )
        }
    }

    // MARK: Keeping it

    private func give(
        _ member: String?, in name: String, address: String? = nil, _ text: String,
        _ done: @escaping (String?) -> Void = { _ in }
    ) {
        claims.give(member, in: name)
        recordClaims()
        hasChosen(in: name)
        context.note(.focus, room: name, participant: member, address: address, text)
        applyPlan { [unowned self] in done($0 ?? carrier.shortcoming) }
    }

    private func choose(
        _ member: String?, of input: String, in name: String, address: String? = nil, _ text: String,
        _ done: @escaping (String?) -> Void = { _ in }
    ) {
        claims.choose(member, of: input, in: name)
        recordClaims()
        hasChosen(in: name)
        context.note(.input, room: name, participant: member, address: address, text)
        applyPlan { [unowned self] in done($0 ?? carrier.shortcoming) }
    }

    func recordClaims() { context.recorder.add(.setting(key: Claims.key, value: claims.recorded)) }

    /// Forgets what a reload has taken away.
    func forgetClaims() {
        let before = claims
        claims.prune(context.configuration.rooms)
        if claims != before { recordClaims() }
        choices.prune(context.configuration.rooms)
        recordChoices()
    }

    // MARK: Who is there

    private var seats: [Matrix.Seat] {
        carrier.participants.sorted { $0.id < $1.id }.map { .init($0, loops: false) }
    }

    private func room(_ name: String) -> Room? {
        plan.rooms.first { $0.name == name }.map { plan in plan.room(of: seats.filter { $0.room == name }) }
    }

    private func isHere(_ member: String, in name: String, silentToo: Bool = true) -> Bool {
        carrier.participants.contains {
            $0.room == name && $0.name == member && ($0.state == .present || silentToo && $0.state == .silent)
        } || failoverWatch.elsewhere.contains { $0.room == name && $0.name == member }
    }

    /// Marks the controllers and who has the focus, and tells it of the rooms.
    func showFocus(in snapshot: inout Snapshot) {
        for plan in plan.rooms where plan.focus != nil || plan.inputs != nil {
            let room = plan.room(
                of: snapshot.participants.map { .init($0, loops: false) }.filter { $0.room == plan.name })
            for index in snapshot.participants.indices where snapshot.participants[index].room == plan.name {
                let one = snapshot.participants[index]
                if room.isController(one.name) { snapshot.participants[index].controller = true }
                if room.focusHolder?.rawValue == UInt64(one.id) { snapshot.participants[index].focus = true }
            }
            guard let index = snapshot.rooms.firstIndex(where: { $0.name == plan.name }) else { continue }
            snapshot.rooms[index].focus = plan.focus.map {
                .init(
                    controllers: $0.controllers, by: $0.byTouch ?? false ? .touch : .order, holder: $0.holder?.member)
            }
            snapshot.rooms[index].inputs = plan.inputs.map { inputs in
                inputs.map { input in
                    .init(
                        name: input.name, of: input.of, live: input.firstOnly ?? false ? .first : .both,
                        pickup: input.picksUp ?? false,
                        heard: room.members.filter {
                            input.of.contains($0.name) && $0.standing == .participant && !room.isIdle($0.id)
                        }.map(\.name))
                }
            }
        }
    }
}

extension FocusRefusal {
    fileprivate func reply(to shown: String, in room: String) -> CommandReply {
        switch self {
        case .noController:
            .conflict("There is no controller in room \(room): name it in the room's focus in the configuration.")
        case .notHere: .notFound("There is no participant \"\(shown)\" in room \(room).")
        case .isController: .conflict("\(shown) is itself a controller: the focus is for who feeds back to it.")
        case .unheard(let verdict):
            .conflict("\(shown) would not reach a controller in room \(room): \(verdict.text).")
        }
    }
}
