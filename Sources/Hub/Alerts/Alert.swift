import Store

/// What a webhook gets: one message when something begins, one when it is over. `text` is all that Slack and its likes
/// read; the other fields are for programs, and have names as they are.
package struct Alert: Codable, Equatable, Sendable {
    package enum Kind: String, Codable, Sendable {
        case engineDown = "engine-down"
        case participantLost = "participant-lost"
        case roundTrip = "round-trip"
        case loss
        case disk
        case noRedundancy = "no-redundancy"
        case configurationDiffers = "configuration-differs"
        case pairSplit = "pair-split"
        case notDrilled = "not-drilled"
        case test
    }
    package enum State: String, Codable, Sendable { case firing, resolved }

    package var text = ""
    package var hub = ""
    package var alert: Kind
    package var state = State.firing
    /// The same in both messages of an occurrence.
    package var id: String
    /// Unix milliseconds.
    package var at: Int64
    package var room: String?
    package var participant: String?
    package var engine: String?
    /// In milliseconds or percent, as the limit that it was compared with.
    package var value: Double?
    package var limit: Double?

    package init(_ kind: Kind, id: String, at: Int64) { (alert, self.id, self.at) = (kind, id, at) }

    /// `what` with the hub's name before them.
    package mutating func say(_ what: String, hub: String) { (self.hub, text) = (hub, "\(hub): \(what)") }

    package static func test(hub: String) -> Alert {
        var alert = Alert(.test, id: "test", at: Timestamp.now.milliseconds)
        alert.say("this is a test of its alerts", hub: hub)
        return alert
    }

    /// As it is sent.
    package var message: Alert {
        var copy = self
        copy.text = Output.chat(text)
        return copy
    }
}
