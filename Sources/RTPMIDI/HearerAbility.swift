/// What one hearer has shown that it can read (RTPMIDI.docc/Journals.md).
package struct HearerAbility: Hashable, Sendable {
    /// The longest journal, in octets. 0: only empty journals, and no guard packets for their sake.
    package var journalLimit: Int
    /// The longest journal of one channel, in octets.
    package var channelLimit: Int
    /// How many channels a journal may tell of.
    package var journalChannels: Int
    /// The ends of what sounds are repeated as commands.
    package var repeatsEnds: Bool

    package init(journalLimit: Int, channelLimit: Int = 1023, journalChannels: Int = 16, repeatsEnds: Bool = false) {
        (self.journalLimit, self.channelLimit) = (journalLimit, channelLimit)
        (self.journalChannels, self.repeatsEnds) = (journalChannels, repeatsEnds)
    }

    /// A hearer about which nothing is known yet. Arduino's library goes deaf when a channel's journal is longer than
    /// its buffer of 64 octets; a later version reads what follows the first channel's journal as packets.
    package static let unknown = HearerAbility(journalLimit: 64, journalChannels: 1, repeatsEnds: true)
    /// It sends filled journals itself, so it can read them.
    package static let journals = HearerAbility(journalLimit: 900)
    /// Its feedback is that of stable rtpmidid or of PipeWire: the one plays wrong notes from a filled journal, the other
    /// reads none.
    package static let noJournals = HearerAbility(journalLimit: 0, repeatsEnds: true)
}

/// What a peer has shown of journals. The numbers are those of the session table.
package enum JournalEvidence: UInt8, Sendable {
    case none = 0
    /// It sends filled ones.
    case sends = 1
    /// They would harm it.
    case isHarmed = 2

    package var ability: HearerAbility {
        switch self {
        case .none: .unknown
        case .sends: .journals
        case .isHarmed: .noJournals
        }
    }
}
