import Foundation
package import Hub
package import WebAPI

/// What the monitor knows by the stream, and how it looks on a terminal.
package struct MonitorPicture {
    private struct View<Item: Decodable>: Decodable {
        var all: [Item]?
        var changed: [Item]?
        var removed: [Int64]?
    }
    private struct Whole<Item: Decodable>: Decodable { var all: Item }
    private struct Played: Decodable { var participant: Int64 }

    package private(set) var status: API.Status?
    package private(set) var participants: [Int64: Snapshot.Participant] = [:]
    package private(set) var sounds: [Int64: API.Sounds] = [:]
    private var playedAt: [Int64: ContinuousClock.Instant] = [:]
    /// Since when, and why, nothing is heard of the hub.
    package private(set) var lost: (at: ContinuousClock.Instant, text: String)?

    /// How long a dot shows that somebody has played.
    private static let blink: Duration = .milliseconds(400)

    package init() {}

    package init(
        _ status: API.Status, _ participants: [Snapshot.Participant], _ sounds: [API.Sounds]
    ) {
        self.status = status
        for one in participants { self.participants[one.id] = one }
        for one in sounds { self.sounds[one.participant] = one }
    }

    /// Applies a message of the stream; one of an unknown shape is ignored.
    package mutating func apply(_ message: EventStreamParser.Message, at now: ContinuousClock.Instant) {
        let data = Data(message.data)
        let decoder = JSONDecoder()
        switch StreamView(rawValue: message.event) {
        case .status: status = (try? decoder.decode(Whole<API.Status>.self, from: data))?.all ?? status
        case .participants:
            Self.merge(try? decoder.decode(View.self, from: data), into: &participants, id: \.id)
        case .sounding:
            Self.merge(try? decoder.decode(View.self, from: data), into: &sounds, id: \.participant)
        case .activity:
            for one in (try? decoder.decode(View<Played>.self, from: data))?.changed ?? [] {
                playedAt[one.participant] = now
            }
        case .wires, .rooms, .latency, .connections, .offers, .failover, nil: break
        }
        playedAt = playedAt.filter { participants[$0.key] != nil }
    }

    private static func merge<Item>(_ view: View<Item>?, into items: inout [Int64: Item], id: (Item) -> Int64) {
        guard let view else { return }
        if let all = view.all { items = Dictionary(all.map { (id($0), $0) }) { _, last in last } }
        for item in view.changed ?? [] { items[id(item)] = item }
        for gone in view.removed ?? [] { items[gone] = nil }
    }

    /// The stream has begun, anew or at first: it tells all.
    package mutating func begin() {
        lost = nil
        sounds = [:]
    }

    package mutating func lose(_ text: String, at now: ContinuousClock.Instant) { lost = (lost?.at ?? now, text) }

    /// In an order that does not change while people play.
    package var sorted: [Snapshot.Participant] {
        participants.values.filter { $0.state != .duplicate }.sorted { ($0.room, $0.id) < ($1.room, $1.id) }
    }

    private var problems: [String] { (status?.health.problems ?? []).map(\.what) }
    private var notices: [String] { status?.health.notices ?? [] }
    /// What is wrong, and what somebody should look at though all is well.
    package var remarks: [String] { problems + notices }

    /// When the next dot that is lit has to go out; nil where none is lit.
    package func nextChange(after now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        playedAt.values.map { $0 + Self.blink }.filter { $0 > now }.min()
    }

    // MARK: Drawing

    /// Lines of at most `width` cells, `height` of them at most.
    package func lines(
        width: Int, height: Int? = nil, _ style: Style, at now: ContinuousClock.Instant, footer: String? = nil
    ) -> [String] {
        let everyone = sorted
        // On a small terminal the rows come first.
        let isSmall = height.map { $0 < 10 } ?? false
        var head: [String] = []
        if let status {
            let ink: Style.Ink = lost != nil ? .faint : status.health.ok ? .good : .bad
            if !isSmall { head.append(style.paint(TextColumns.fit(status.name, width), .strong)) }
            head.append(style.paint(TextColumns.fit(status.health.sentence, width), ink))
            let ofNotices: Style.Ink = lost != nil ? .faint : .warning
            for (text, ink) in [(problems, ink), (notices, ofNotices)] where !isSmall {
                for line in text.prefix(3) { head.append(style.paint(TextColumns.fit("! \(line)", width), ink)) }
            }
        }
        if let lost {
            let text =
                "The hub is lost (\(lost.text)), last seen \(lost.at.duration(to: now).components.seconds) s ago."
            head.append(style.paint(TextColumns.fit(text, width), .bad))
        }
        if !isSmall { head.append("") }
        let columns = Columns(width: width, hasRooms: Set(everyone.map(\.room)).count > 1)
        if !everyone.isEmpty { head.append(style.paint(columns.head, .faint)) }
        let foot = (isSmall ? nil : footer).map { ["", style.paint(TextColumns.fit($0, width), .faint)] } ?? []

        var shown = everyone[...]
        if let height {
            let room = max(0, height - head.count - foot.count)
            if everyone.count > room { shown = everyone.prefix(max(0, room - 1)) }
        }
        var rows = shown.map { row($0, columns, style, now) }
        if shown.count < everyone.count {
            rows.append(style.paint(TextColumns.fit("… and \(everyone.count - shown.count) more", width), .faint))
        }
        if everyone.isEmpty { rows = [TextColumns.fit("Nobody is here.", width)] }
        return Array((head + rows + foot).prefix(height ?? .max))
    }

    private func row(
        _ one: Snapshot.Participant, _ columns: Columns, _ style: Style, _ now: ContinuousClock.Instant
    ) -> String {
        let sounds = sounds[one.id]
        let plays = sounds?.notes.isEmpty == false || playedAt[one.id].map { $0 + Self.blink > now } ?? false
        let quality = Quality(of: one)
        let isOff = lost != nil || one.state != .present
        let isMuted = one.muted ?? false
        let way =
            one.state != .present
            ? one.state.rawValue : isMuted ? "muted" : one.rtt.map { String(format: "%.1f ms", $0.last) } ?? "-"
        var row = style.paint(plays && lost == nil ? "● " : "· ", plays && !isOff ? .good : .faint)
        row += style.paint(TextColumns.column(ShownName.shown(one.name), columns.name), isOff ? .faint : .strong) + " "
        if columns.room > 0 { row += style.paint(TextColumns.column(one.room, columns.room), .faint) + " " }
        row +=
            style.paint(
                TextColumns.column(way, Columns.way, right: true), isOff ? .faint : isMuted ? .warning : quality?.ink)
            + "  "
        let text = sounds.map(NoteNames.text) ?? ""
        return row + style.paint(TextColumns.fit(text, columns.rest), isOff ? .faint : nil)
    }

    /// The text for a participant in a log of lines.
    package func text(of id: Int64) -> String? {
        guard let one = participants[id] else { return nil }
        let way = (one.rtt.map { String(format: ", %.1f ms", $0.last) } ?? "") + (one.muted ?? false ? ", muted" : "")
        let text = sounds[id].map(NoteNames.text) ?? ""
        let name = TextColumns.fit(ShownName.shown(one.name), 64)
        return "\(name) (\(TextColumns.fit(one.room, 40))\(way)): \(text.isEmpty ? "silent" : text)"
    }

    private struct Columns {
        static let way = 9
        let name: Int
        let room: Int
        let rest: Int

        init(width: Int, hasRooms: Bool) {
            name = max(4, min(24, width / 4))
            room = hasRooms && width >= 50 ? min(12, width / 8) : 0
            rest = max(0, width - 2 - name - 1 - (room > 0 ? room + 1 : 0) - Self.way - 2)
        }

        var head: String {
            "  " + TextColumns.column("NAME", name) + " " + (room > 0 ? TextColumns.column("ROOM", room) + " " : "")
                + TextColumns.column("RTT", Self.way, right: true) + TextColumns.fit("  PLAYS", rest + 2)
        }
    }
}
