import EngineProtocol
import Rooms
import Store

/// Two sessions of one participant, one with each of two hubs, where name, room and address do not tell: a person says it.
extension Hub {
    private static let mostPairings = 250

    func pair(_ id: Int64, with number: UInt64, _ author: Author, _ reply: @escaping Reply) {
        guard let failover = context.configuration.failover else { return reply(.noPartner) }
        guard let own = carrier.seat(of: id), let view = carrier.participants.first(where: { $0.id == id }) else {
            return reply(.notFound("There is no participant \(id) here that could stand on both hubs."))
        }
        let name = ShownName.shown(view.name)
        guard !carrier.pairs.contains(where: { $0.onBoth.contains(id) }) else {
            return reply(.conflict("\(name) stands on both hubs already."))
        }
        let there = failoverWatch.elsewhere.filter { $0.id == number }
        guard let other = there.first(where: { $0.room == view.room }) else {
            return reply(
                there.isEmpty
                    ? .notFound("There is no participant \(number) at the other hub alone.")
                    : .conflict("The two are in different rooms."))
        }
        guard !other.isLinked else {
            return reply(.conflict("\(ShownName.shown(other.name)) merges by itself what both hubs send."))
        }
        let seat = Pairing.Seat(name: other.name, host: other.host, ssrc: other.ssrc)
        let isMain = failover.role == .main
        var pairings = choices.pairings[view.room] ?? []
        pairings.removeAll { $0.seat(atMain: isMain) == own || $0.seat(atMain: !isMain) == seat }
        guard pairings.count < Self.mostPairings else {
            return reply(.conflict("There are \(Self.mostPairings) pairs already: undo one first."))
        }
        pairings.append(isMain ? Pairing(main: own, backup: seat) : Pairing(main: seat, backup: own))
        choices.pairings[view.room] = pairings
        follow(
            "\(name) is the same as \(ShownName.shown(other.name)) at the other hub", in: view.room, view.name, author,
            reply)
    }

    func unpair(_ id: Int64, _ author: Author, _ reply: @escaping Reply) {
        guard let failover = context.configuration.failover else { return reply(.noPartner) }
        guard let own = carrier.seat(of: id), let view = carrier.participants.first(where: { $0.id == id }) else {
            return reply(.notFound("There is no participant \(id)."))
        }
        let name = ShownName.shown(view.name)
        var pairings = choices.pairings[view.room] ?? []
        let isMain = failover.role == .main
        // Its SSRC may be another one since.
        let index =
            pairings.firstIndex { $0.seat(atMain: isMain) == own }
            ?? pairings.firstIndex {
                let seat = $0.seat(atMain: isMain)
                return (seat.name, seat.host) == (own.name, own.host)
            }
        guard let index else { return reply(.conflict("\(name) was not paired by hand.")) }
        pairings.remove(at: index)
        choices.pairings[view.room] = pairings.isEmpty ? nil : pairings
        follow("\(name) is no longer paired by hand", in: view.room, view.name, author, reply)
    }

    private func follow(
        _ text: String, in room: String, _ name: String, _ author: Author, _ reply: @escaping Reply
    ) {
        hasChosen(in: room)
        context.note(.pairOrder, room: room, participant: name, address: author.address, "\(text), by \(author)")
        applyPlan { [unowned self] in
            reply(.kept("\(text).", $0 ?? carrier.shortcoming))
        }
    }
}

extension CommandReply {
    static let noPartner = conflict("This hub has no partner: `failover` in its configuration names one.")
}
