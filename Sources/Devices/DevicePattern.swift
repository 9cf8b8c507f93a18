/// Which devices are meant, by their ALSA names: `*` is any text, `?` any one letter, and capitals do not count. It is held
/// against the client's name, the port's name, and both with a colon between; each of them, too, with an @ and the place where
/// it is plugged in behind.
package struct DevicePattern: Hashable, Sendable, CustomStringConvertible {
    package let description: String
    private let letters: [Character]

    /// nil where it is empty, longer than 128 characters, or has control characters.
    package init?(_ text: String) {
        guard (1...128).contains(text.unicodeScalars.count),
            text.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 })
        else { return nil }
        (description, letters) = (text, Array(text.lowercased()))
    }

    /// Without `*` and `?`: a name as it stands, which takes also what is else never taken for a device (`Exclusion`).
    package var isName: Bool { !letters.contains { $0 == "*" || $0 == "?" } }

    package func matches(_ name: String) -> Bool {
        let name = Array(name.lowercased())
        var (at, place) = (0, 0)
        // Where the last `*` stands, and how far what it takes goes so far.
        var star: (at: Int, place: Int)?
        while place < name.count {
            if at < letters.count, letters[at] == "*" {
                star = (at, place)
                at += 1
            } else if at < letters.count, letters[at] == "?" || letters[at] == name[place] {
                (at, place) = (at + 1, place + 1)
            } else if let last = star {
                star = (last.at, last.place + 1)
                (at, place) = (last.at + 1, last.place + 1)
            } else {
                return false
            }
        }
        return letters[at...].allSatisfy { $0 == "*" }
    }

    package func takes(_ device: Device) -> Bool {
        guard device.exclusion == nil || isName && device.exclusion != .ours else { return false }
        return [device.client, device.port, device.fullName].contains { name in
            matches(name) || device.socket.map { matches("\(name)@\($0)") } ?? false
        }
    }
}
