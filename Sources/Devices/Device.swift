//  Module Devices: instruments and controllers of this machine, as members of rooms. Start here, then `DevicePattern.swift`
//  (which are meant), `DeviceSeats.swift` (what they are called), `DeviceWatch.swift` (what is there).
//
//  What it is: ports of the ALSA sequencer by their names, whatever number their card gets, and one who plays each of them
//  into a hub. What it refuses to be: a patch bay (PatchBay is), or an engine. Ruled by Devices.docc.

import Linux
package import Sequencer

/// A port of the ALSA sequencer that may be a member of a room.
package struct Device: Hashable, Sendable {
    package let address: Address
    /// ALSA gives numbers again at once: this tells one who has them from who had them before.
    package let appearance: UInt32
    /// The names of its client and of the port itself, as ALSA has them: any characters at all.
    package let client: String
    package let port: String
    /// The number of its sound card.
    package let card: Int?
    /// Where it is plugged in, which stays the same whatever number its card gets: a path below /sys. Empty for programs.
    package let place: String
    /// It plays, and it hears: it has lights, or sounds.
    package let plays: Bool
    package let hears: Bool
    /// Why it is taken for a device by its whole name alone, or never; nil where it is one.
    package let exclusion: Exclusion?

    package init(
        address: Address, appearance: UInt32 = 0, client: String, port: String, card: Int? = nil, place: String = "",
        plays: Bool = true, hears: Bool = true, exclusion: Exclusion? = nil
    ) {
        (self.address, self.appearance, self.client, self.port) = (address, appearance, client, port)
        (self.card, self.place, self.plays, self.hears) = (card, place, plays, hears)
        self.exclusion = exclusion
    }

    package var fullName: String { "\(client):\(port)" }

    /// The last part of `place`, which tells equal ones apart: a USB port such as "1-1.2". nil for programs.
    package var socket: String? {
        guard let last = place.split(separator: "/").last else { return nil }
        return String(last.prefix { $0 != ":" })
    }

    /// What no pattern with `*` or `?` takes.
    package enum Exclusion: String, Codable, Sendable {
        /// The kernel's own: System, Midi Through.
        case kernel
        /// Of a hub, or of `midihub join`: also where it bears a controller's name, never a device.
        case ours
        case rtpmidid
        /// A program that does not say it is an instrument.
        case program

        package var text: String {
            switch self {
            case .kernel: "the kernel's own, no instrument"
            case .ours: "MIDI Hub's own"
            case .rtpmidid: "rtpmidid's"
            case .program: "a program, no instrument"
            }
        }

        /// - Parameter program: the name of the program that opened the client; nil where it is not known.
        package static func of(
            _ client: SequencerHandle.ClientFacts, _ kind: SequencerHandle.PortKind, program: String?
        ) -> Exclusion? {
            if client.card != nil { return nil }
            guard client.owner != nil else { return .kernel }
            // A client's name may be anything; a program's is what somebody has installed.
            if program == "midihub" { return .ours }
            if program == "rtpmidid" || client.name.starts(with: Array("rtpmidid".utf8)) { return .rtpmidid }
            let isInstrument = !kind.isDisjoint(with: [.hardware, .synthesizer]) || !kind.contains(.application)
            return isInstrument ? nil : .program
        }
    }
}
