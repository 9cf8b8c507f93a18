/// A device of the machine that carries a room, or several of them: each is a member of the room for as long as it is there.
package struct DevicePlan: Codable, Hashable, Sendable {
    /// Which ones, by their ALSA names: what `DevicePattern` in module Devices reads.
    package var match: String
    /// What it is called in the room; nil: what ALSA calls its client. A second one of the same name gets a 2 behind it.
    package var name: String?
    /// Patterns that go before this one: what they take is not taken here. nil is none.
    package var except: [String]?

    package init(match: String, name: String? = nil, except: [String]? = nil) {
        (self.match, self.name, self.except) = (match, name, except)
    }
}
