/// Whose piano it is: that of one page in one room.
package struct PianoKey: Hashable, Sendable {
    package let room: String
    /// Made up by the page.
    package let player: String

    package init(
        room: String, player: String
    ) {
        (self.room, self.player) = (room, player)
    }

    package static func isPlayer(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { $0 < 128 && (Character(UnicodeScalar($0)).isLetter || (48...57).contains($0)) }
    }
}

/// A key of it is struck, or let go where the velocity is 0.
package struct Stroke: Hashable, Sendable {
    package let note: UInt8
    package let velocity: UInt8

    /// `60:100,64:0`; nil where it is not that, or more than anybody's fingers strike at once. Empty text is none.
    package static func list(_ text: String) -> [Stroke]? {
        let items = text.split(separator: ",", omittingEmptySubsequences: false)
        guard !text.isEmpty else { return [] }
        guard items.count <= 64 else { return nil }
        var strokes: [Stroke] = []
        for item in items {
            let numbers = item.split(separator: ":", omittingEmptySubsequences: false).compactMap { UInt8($0) }
            // Only as they are usually written: "+5" and "007" are refused.
            guard numbers.count == 2, numbers.allSatisfy({ $0 < 128 }), "\(numbers[0]):\(numbers[1])" == item else {
                return nil
            }
            strokes.append(Stroke(note: numbers[0], velocity: numbers[1]))
        }
        return strokes
    }

    var message: [UInt8] { velocity == 0 ? [0x80, note, 64] : [0x90, note, velocity] }
}
