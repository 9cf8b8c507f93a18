package import Rooms

/// The other one of two hubs that are a pair, as an engine is to know it.
package struct FailoverPlan: Codable, Hashable, Sendable {
    /// Where the partner listens: the control port of one of its rooms.
    package var host: String
    package var port: UInt16
    /// What both hubs share, 16 characters at least: all that goes between them is encrypted with keys drawn from it.
    package var secret: String
    /// Of two that could both speak this one does.
    package var isMain: Bool
    /// After so many milliseconds without a word the partner counts as silent; nil: as short as this machine allows.
    package var silence: Int?
    /// Where nobody can say whether a silent partner lives, do not take over; nil is no.
    package var waitsWhenUnsure: Bool?
    /// This hub is not to speak: somebody works on it; nil is no.
    package var isHeldBack: Bool?
    /// The first port of every room of this hub, also of those that other engine processes serve.
    package var ports: [String: UInt16]
    /// Of all that has to be the same in both configurations.
    package var digest: String?
    /// The note of the configuration that is an order to switch; nil: there is none.
    package var note: NoteTrigger?
    /// The note that was played to be one, at either hub.
    package var learned: LearnedNote?

    /// What this hub is called.
    package var name: String?

    package init(
        host: String, port: UInt16, secret: String, isMain: Bool, silence: Int? = nil, waitsWhenUnsure: Bool? = nil,
        isHeldBack: Bool? = nil, ports: [String: UInt16], digest: String? = nil,
        note: NoteTrigger? = nil, learned: LearnedNote? = nil, name: String? = nil
    ) {
        (self.host, self.port, self.secret, self.isMain) = (host, port, secret, isMain)
        (self.silence, self.waitsWhenUnsure, self.isHeldBack) = (silence, waitsWhenUnsure, isHeldBack)
        (self.ports, self.digest, self.note, self.learned) = (ports, digest, note, learned)
        self.name = name
    }

    /// The note that counts.
    package var trigger: NoteTrigger? { learned?.instead(of: note) ?? note }
}

/// A note that is an order to switch. It is for the hubs alone: neither it nor its guard is heard by anybody.
package struct NoteTrigger: Codable, Hashable, Sendable {
    /// 1 to 16.
    package var channel: Int
    package var note: Int
    /// Only a harder stroke counts.
    package var above: Int
    /// It counts only while the same participant holds this note; nil: it always counts.
    package var guardNote: Int?

    private enum CodingKeys: String, CodingKey {
        case channel, note, above
        case guardNote = "guard"
    }

    package init(channel: Int, note: Int, above: Int = 0, guardNote: Int? = nil) {
        (self.channel, self.note, self.above, self.guardNote) = (channel, note, above, guardNote)
    }
}

/// A note that was played to be the order.
package struct LearnedNote: Codable, Hashable, Sendable {
    package var note: NoteTrigger
    /// What the configuration had as it was played. Where that has changed since, the configuration counts again.
    package var before: NoteTrigger?
    package var stamp: Stamp

    package init(_ note: NoteTrigger, before: NoteTrigger?, stamp: Stamp) {
        (self.note, self.before, self.stamp) = (note, before, stamp)
    }

    package func instead(of configured: NoteTrigger?) -> NoteTrigger? { before == configured ? note : nil }
}
