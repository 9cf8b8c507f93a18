import EngineProtocol
import HubLink
import RTPMIDI
import Rooms

/// This hub as one of a pair: which of the two speaks, who stands on both, and who stands at the partner alone.
final class Pair {
    let partner: Partner
    var role: HubRole
    /// When it came to be as it is, in Unix milliseconds, and why.
    var since: Int64
    var reason: HubRole.Reason?
    /// The same, by the loop's clock.
    var changedAt: UInt64 = 0
    /// Who is in the partner's rooms, by its numbers there; and whether that are all.
    var members: [UInt64: PartnerLine.Member] = [:]
    var isComplete = false
    /// What stands for sessions of those who are at the partner alone.
    var relays: [Endpoint] = []
    /// Who came just now, by their numbers here, and until when the partner may say that the same one is there, too: nobody is
    /// to hear both.
    var unanswered: [UInt64: UInt64] = [:]
    /// Whose events the partner brings, by origin; and when one of them is to be looked at.
    var inputs: [UInt32: Member] = [:]
    var inputsDue: UInt64 = 0
    /// What the partner has said of its version and its rooms, and of what has to be the same; and what it was told of that.
    var hello: PartnerLine.Hello?
    var partnersSettings: PartnerLine.Settings?
    var settings: PartnerLine.Settings?
    /// What is wrong between the two, for people.
    var trouble: String?

    /// Datagrams to the partner are numbered, and those of the partner show what is lost.
    var session: LinkSession
    /// The partner's newest beat: when it was sent, by its clock, and when it came.
    var beat: (sent: UInt32, at: UInt64)?
    var roundTrip: UInt32?
    /// It has said that it stops.
    var isStopping = false
    /// Since when the partner is away whose members are kept for a moment.
    var leftAt: UInt64?
    /// When the loop looked last, and when anything came last.
    var lastTurn: UInt64
    var lastHeard: UInt64
    /// While this hub's cable is pulled: when to look whether it is in again.
    var unpluggedDue: UInt64?
    /// An order to hand over, which waits; and how long it may.
    var handover: (reason: HubRole.Reason, until: UInt64)?
    /// What witnesses were asked by last.
    var question: UInt32?
    /// The drill that is on; and what came of the last one, and when.
    var drill: Drill?
    var drillReport: (report: DrillReport, at: UInt64)?
    /// When the next beat and the next numbers are due.
    var beatDue: UInt64 = 0
    var pulseDue: UInt64 = 0

    init(_ partner: Partner, _ role: HubRole, since: Int64, now: UInt64) {
        (self.partner, self.role, self.since) = (partner, role, since)
        session = LinkSession(now: now)
        (lastTurn, lastHeard) = (now, now)
    }

    /// What goes to the partner arrives there, as far as is known.
    var isUp: Bool { partner.isConnected && role.isLinked }
}
