import Client
import Foundation
import Hub
import HubLink
import Linux
import MIDI
import Rooms

/// How a `midihub join` is: what its socket tells, as an object of JSON. What is added later is optional.
struct JoinStatus: Codable, Equatable {
    struct Note: Codable, Hashable {
        /// From 1 on, as people count them.
        let channel: Int
        let note: Int
    }
    struct Port: Codable, Equatable {
        let address: String
        let client: String
        let port: String
    }
    /// The controller whose names the port has or is to have.
    struct Clone: Codable, Equatable {
        /// nil as long as the room has told of none that is meant.
        let client: String?
        let port: String?
        let isHere: Bool
    }
    /// The instrument of this machine that plays; without names while it is away.
    struct Device: Codable, Equatable {
        let match: String
        let address: String?
        let client: String?
        let port: String?
        let isHere: Bool
    }
    /// A hub that it stands on. Times are in milliseconds; events are those of the last minute.
    struct Hub: Codable, Equatable {
        let host: String
        let address: String?
        let isUp: Bool
        /// It numbers events, which are merged with those of the others; of hubs that do not, one is heard at a time.
        let isNumbered: Bool
        let isHeard: Bool
        /// Why it is away.
        var trouble: String?
        let roundTrip: RoundTrip?
        let received: UInt64
        let lost: UInt64
        let events: Events?

        struct RoundTrip: Codable, Equatable {
            let last: Double
            let minimum: Double
            let average: Double
            let maximum: Double
            let jitter: Double
        }
        struct Events: Codable, Equatable {
            let byBoth: UInt32
            let byThisOnly: UInt32
            let byOthersOnly: UInt32
            let asked: UInt16
            let repaired: UInt16
            let lost: UInt16
            /// How much later the second copy came.
            let skewMedian: Double
            let skewP99: Double
            /// How much later others would have brought what this one brought first.
            let laterWithoutThis: Double
        }
    }

    var version = 1
    let program: String
    let pid: Int32
    let name: String
    /// Unix milliseconds.
    let since: Int64
    /// What it waits for, where it has no hub yet.
    var waits: String?
    let hubs: [Hub]
    /// What sounds at the others because of it, and here because of them.
    let playing: [Note]
    let hearing: [Note]
    let port: Port?
    let clone: Clone?
    var device: Device?

    var isUp: Bool { hubs.contains(where: \.isUp) }
}

extension JoinStatus.Hub {
    init(_ index: Int, of group: HubGroup, trouble: String?) {
        let hub = group.hubs[index]
        let (distance, packets) = (hub.distance, hub.packets)
        (host, address) = (hub.host.description, hub.address?.description)
        isUp = hub.isUp && !group.isSilent(index)
        (isNumbered, self.trouble) = (hub.isLinked, isUp ? nil : hub.isUp ? "it has fallen silent" : trouble)
        isHeard = hub.isLinked || group.selected == index
        func milliseconds(_ ticks: some BinaryInteger) -> Double { Double(ticks) / 10 }
        roundTrip =
            isUp && distance.answered > 0
            ? RoundTrip(
                last: milliseconds(distance.last), minimum: milliseconds(distance.minimum),
                average: milliseconds(distance.average), maximum: milliseconds(distance.maximum),
                jitter: milliseconds(distance.jitter)) : nil
        (received, lost) = packets
        let report = group.report(of: index)
        events =
            hub.isLinked
            ? Events(
                byBoth: report.byBoth, byThisOnly: report.byThisOnly, byOthersOnly: report.byOthersOnly,
                asked: report.asked, repaired: report.repaired, lost: report.lost,
                skewMedian: milliseconds(report.skewMedian), skewP99: milliseconds(report.skewP99),
                laterWithoutThis: milliseconds(report.laterWithoutThis)) : nil
    }
}

extension JoinStatus {
    static func notes(_ held: HeldState) -> [Note] {
        var notes: [Note] = []
        held.tellNotes(held: true) { notes.append(Note(channel: Int($0.rawValue) + 1, note: Int($1.rawValue))) }
        return notes
    }

    /// For people.
    var lines: [String] {
        var lines = ["\(Output.safe(name)): \(sentence) (pid \(pid))"]
        for hub in hubs { lines += ["  " + hub.line] + (hub.isUp ? hub.figures.map { "    " + $0 } : []) }
        if let port {
            let name = "\(Output.safe(port.client)):\(Output.safe(port.port))"
            lines.append("  ALSA port \(Output.safe(port.address)): \(name)")
        }
        if let device {
            let name = device.client.map { "\(Output.safe($0)):\(Output.safe(device.port ?? ""))" }
            lines.append("  device: \(name ?? "\(Output.safe(device.match)), which is away")")
        }
        if let clone {
            let name = clone.client.map { "\(Output.safe($0)):\(Output.safe(clone.port ?? ""))" }
            let text = name.map { "\($0), which is \(clone.isHere ? "there" : "away")" }
            lines.append("  controller: \(text ?? "the room has told of none that is meant")")
        }
        lines.append("  plays now: \(Self.text(playing)); hears now: \(Self.text(hearing))")
        return lines
    }

    var sentence: String {
        if let waits { return Output.safe(waits) }
        let up = hubs.count(where: \.isUp)
        if up == 0 { return "on no hub" }
        return hubs.count == 1 ? "joined" : "on \(up) of \(Output.count(hubs.count, "hub"))"
    }

    private static func text(_ notes: [Note]) -> String {
        let names = notes.filter { (0...127).contains($0.note) }.map {
            NoteNames.name($0.note) + ($0.channel == 1 ? "" : " on channel \($0.channel)")
        }
        return names.isEmpty ? "nothing" : names.joined(separator: ", ")
    }
}

extension JoinStatus.Hub {
    fileprivate var line: String {
        let place = address.map { " at \(Output.safe($0))" } ?? ""
        guard isUp else { return "\(Output.safe(host)): away" + (trouble.map { ": \(Output.safe($0))" } ?? "") }
        let trip = roundTrip.map { String(format: ", %.1f ms (jitter %.1f)", $0.average, $0.jitter) } ?? ""
        let speech = isNumbered ? "" : isHeard ? ", events without numbers" : ", events without numbers, not heard now"
        return Output.safe(host) + place + trip + speech
    }

    fileprivate var figures: [String] {
        guard let events else { return ["packets: \(received) received, \(lost) lost"] }
        let lists =
            "by this one only \(events.byThisOnly), by others only \(events.byOthersOnly), by both \(events.byBoth)"
        var lines = ["events of the last minute: \(lists)"]
        if events.byBoth > 0 {
            lines.append(
                String(
                    format:
                        "the second copy came %.1f ms later (99 of 100: %.1f); if this hub died now: %d lost, %.1f ms later",
                    events.skewMedian, events.skewP99, Int(events.byThisOnly), events.laterWithoutThis))
        }
        return lines + ["packets: \(received) received, \(lost) lost"]
    }
}
