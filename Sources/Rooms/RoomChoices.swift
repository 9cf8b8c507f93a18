/// What people choose for a room while it is served. Two hubs that are a pair have the same: each change gets a stamp, and of
/// two that differ the one with the greater stamp counts at both.
package struct RoomChoices: Codable, Hashable, Sendable {
    /// nil: nobody has chosen anything yet.
    package var stamp: Stamp?
    package var blocks: [Block]
    /// Who has the focus.
    package var focus: Focus.Claim?
    /// Which controller is live by choice, by the input's name.
    package var inputs: [String: Focus.Claim]?
    /// Who is the same at both hubs though nobody can see that.
    package var pairings: [Pairing]?

    package init(
        stamp: Stamp? = nil, blocks: [Block] = [], focus: Focus.Claim? = nil, inputs: [String: Focus.Claim]? = nil,
        pairings: [Pairing]? = nil
    ) {
        (self.stamp, self.blocks, self.focus) = (stamp, blocks, focus)
        (self.inputs, self.pairings) = (inputs, pairings)
    }
}

/// When something was chosen, as two hubs can agree on it without a common clock. They are in a total order.
package struct Stamp: Codable, Hashable, Comparable, Sendable {
    /// Of the pair (`HubRole`): what was chosen at the hub that has taken over goes before what was chosen at the other one
    /// meanwhile.
    package var epoch: UInt32
    /// One more than of what was known when it was chosen.
    package var count: UInt64
    /// The hub at which it was chosen spoke.
    package var spoke: Bool
    /// Drawn by each hub.
    package var author: UInt32

    package init(epoch: UInt32, count: UInt64, spoke: Bool, author: UInt32) {
        (self.epoch, self.count, self.spoke, self.author) = (epoch, count, spoke, author)
    }

    /// Of what is chosen now where `earlier` is known.
    package init(after earlier: Stamp?, epoch: UInt32, spoke: Bool, author: UInt32) {
        self.init(
            epoch: max(epoch, earlier?.epoch ?? 0), count: (earlier?.count ?? 0) &+ 1, spoke: spoke, author: author)
    }

    package static func < (one: Stamp, other: Stamp) -> Bool {
        (one.epoch, one.count, one.spoke ? 1 : 0, one.author)
            < (other.epoch, other.count, other.spoke ? 1 : 0, other.author)
    }

    /// Whether it is newer than what may have no stamp.
    package func isNewer(than other: Stamp?) -> Bool { other.map { self > $0 } ?? true }
}

/// Two sessions of one participant, one with each of two hubs, as a person has said.
package struct Pairing: Codable, Hashable, Sendable {
    package struct Seat: Codable, Hashable, Sendable {
        package var name: String
        /// Its address without the port.
        package var host: String
        /// Decides between several of that name and address.
        package var ssrc: UInt32
        package init(name: String, host: String, ssrc: UInt32) {
            (self.name, self.host, self.ssrc) = (name, host, ssrc)
        }

        fileprivate func place(among seats: [Seat]) -> Int? {
            let alike = seats.indices.filter { seats[$0].name == name && seats[$0].host == host }
            let these = alike.count > 1 ? alike.filter { seats[$0].ssrc == ssrc } : alike
            return these.count == 1 ? these[0] : nil
        }
    }
    package var main: Seat
    package var backup: Seat
    package init(main: Seat, backup: Seat) { (self.main, self.backup) = (main, backup) }

    /// Where each pair is among those of a room at this hub and at the other one; left out where that is not one each.
    package static func places(
        of pairings: [Pairing], atMain isMain: Bool, here: [Seat], there: [Seat]
    ) -> [(here: Int, there: Int)] {
        var places: [(here: Int, there: Int)] = []
        for one in pairings {
            guard let own = one.seat(atMain: isMain).place(among: here),
                let other = one.seat(atMain: !isMain).place(among: there),
                !places.contains(where: { $0.here == own || $0.there == other })
            else { continue }
            places.append((own, other))
        }
        return places
    }

    package func seat(atMain isMain: Bool) -> Seat { isMain ? main : backup }
}

extension RoomPlan {
    package var choices: RoomChoices {
        get {
            let chosen = (inputs ?? []).compactMap { input in input.chosen.map { (input.name, $0) } }
            return RoomChoices(
                stamp: stamp, blocks: blocks, focus: focus?.holder,
                inputs: chosen.isEmpty ? nil : Dictionary(chosen) { first, _ in first }, pairings: pairings)
        }
        set {
            (stamp, blocks, pairings) = (newValue.stamp, newValue.blocks, newValue.pairings)
            focus?.holder = newValue.focus
            inputs = inputs?.map { input in
                var input = input
                input.chosen = newValue.inputs?[input.name]
                return input
            }
        }
    }
}
