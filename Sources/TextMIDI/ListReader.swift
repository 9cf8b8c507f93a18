//  Module TextMIDI: MIDI as lists of numbers in text, as the TCP clients of network-midi-hub speak it. Start here, then
//  `ListSender.swift`.
//
//  What it is: what comes from such a client made into messages, and what goes to one into text, with the pace that its
//  reading asks for. What it refuses to be: a socket, a clock, a participant. Ruled by TextMIDI.docc.

import MIDI

/// Takes apart what a client sends: `[144, 60, 100][128, 60, 64]`, in whatever pieces it comes.
///
/// A list is a whole message of decimal octets, each with its status; nothing lies between lists. Blanks, line ends and
/// leading zeros are allowed for. What is no message is left out and counted, up to the next bracket.
package struct ListReader: Sendable {
    private enum Place {
        /// Between lists; in the second case behind something that has been counted.
        case outside, inRubbish
        /// In a list: before a number, within one, behind one.
        case beforeNumber, inNumber, behindNumber
        /// In a list that has been given up.
        case inBroken
    }
    /// Octets of the longest message: system exclusive with 65536 octets of data.
    package static let longest = 65536 + 2
    /// How long a list may take to come, in ms.
    package static let patience: UInt64 = 10_000

    private var place = Place.outside
    private var octets: [UInt8] = []
    private var number = 0
    private var digits = 0
    private var openedAt: UInt64 = 0
    /// Whether anything but blanks has come.
    private var hasBegun = false

    /// How many lists, and how many other things in a row, were no message.
    package private(set) var unreadable: UInt64 = 0

    package init() {}

    /// Hands out the messages that are complete with these octets. False: whoever begins like that is no such client (a web
    /// browser, a scanner), and nothing more of it is to be read.
    /// - Parameter now: in ms, of any clock that only goes forward.
    package mutating func read(_ text: Span<UInt8>, at now: UInt64, _ body: ([UInt8]) -> Void) -> Bool {
        if isOpen, now &- openedAt > Self.patience { giveUp() }
        for index in text.indices {
            let octet = text[index]
            if !hasBegun, !Self.isBlank(octet) {
                guard octet == UInt8(ascii: "[") else { return false }
                hasBegun = true
            }
            read(octet, at: now, body)
        }
        return true
    }

    private var isOpen: Bool { place != .outside && place != .inRubbish }

    private static func isBlank(_ octet: UInt8) -> Bool { octet == 0x20 || (0x09...0x0D).contains(octet) }

    private mutating func read(_ octet: UInt8, at now: UInt64, _ body: ([UInt8]) -> Void) {
        switch (octet, place) {
        case (UInt8(ascii: "["), _):
            // The one before was cut.
            if isOpen, place != .inBroken { unreadable &+= 1 }
            octets.removeAll(keepingCapacity: octets.capacity <= 4096)
            (place, openedAt) = (.beforeNumber, now)
        case (UInt8(ascii: "]"), .inNumber), (UInt8(ascii: "]"), .behindNumber):
            place = .outside
            guard endNumber(), (try? MIDIBytes.split(octets)) == [octets] else {
                unreadable &+= 1
                return
            }
            body(octets)
        case (UInt8(ascii: "]"), .beforeNumber):
            place = .outside
            unreadable &+= 1
        case (UInt8(ascii: "]"), .inBroken): place = .outside
        case (UInt8(ascii: ","), .inNumber), (UInt8(ascii: ","), .behindNumber):
            if endNumber() { place = .beforeNumber } else { giveUp() }
        case (UInt8(ascii: "0")...UInt8(ascii: "9"), .beforeNumber):
            (number, digits, place) = (Int(octet & 15), 1, .inNumber)
        case (UInt8(ascii: "0")...UInt8(ascii: "9"), .inNumber):
            guard digits < 3 else { return giveUp() }
            (number, digits) = (number * 10 + Int(octet & 15), digits + 1)
        case (_, .inNumber) where Self.isBlank(octet): place = .behindNumber
        case (_, .inBroken): break
        case (_, _) where Self.isBlank(octet): break
        case (_, .outside):
            unreadable &+= 1
            place = .inRubbish
        case (_, .inRubbish): break
        default: giveUp()
        }
    }

    /// False where the number is no octet, or the list is longer than any message.
    private mutating func endNumber() -> Bool {
        guard let octet = UInt8(exactly: number), octets.count < Self.longest else { return false }
        octets.append(octet)
        return true
    }

    /// The rest of the list is thrown away.
    private mutating func giveUp() {
        if place != .inBroken { unreadable &+= 1 }
        place = .inBroken
        octets = []
    }
}
