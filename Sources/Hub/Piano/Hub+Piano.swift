import Client
import Linux
import Rooms
import Store

/// Pianos of people who try the way on /test.
extension Hub {
    private static let mostPianos = 8
    /// How long after the last key a piano leaves.
    private static let pianoTimeout: Duration = .seconds(60)

    func play(_ key: PianoKey, _ strokes: [Stroke], _ author: Author, _ reply: @escaping Reply) {
        let piano: Piano
        if let known = pianos[key] {
            piano = known
        } else {
            guard pianos.count < Self.mostPianos else {
                return reply(.conflict("\(Self.mostPianos) pianos are being played already."))
            }
            do throws(Errno) {
                guard let fresh = try makePiano(key) else {
                    return reply(.notFound("There is no room \"\(key.room)\"."))
                }
                piano = fresh
            } catch {
                return reply(.unavailable("There is no piano: \(error)."))
            }
            pianos[key] = piano
            context.note(
                .piano, room: key.room, participant: piano.name, address: author.address,
                "\(piano.name) is played on the page in room \(key.room), by \(author)")
        }
        // A call without keys only says that held keys are still held; it does not postpone the piano's leaving.
        if !strokes.isEmpty || piano.idle == nil {
            if let timer = piano.idle { context.loop.cancel(timer) }
            piano.idle = context.loop.after(Self.pianoTimeout) { [unowned self] in end(key, piano.number) }
        }
        piano.play(strokes, hasEcho: echoes[key.room] != nil, reply)
    }

    func leavePiano(_ key: PianoKey, _ reply: @escaping Reply) {
        if let piano = pianos[key] { end(key, piano.number) }
        reply(.done("The piano has left."))
    }

    func handle(_ news: Piano.Event) {
        guard let piano = pianos[news.key], piano.number == news.number else { return }
        context.note(
            .pianoLost, severity: .warning, room: news.key.room, participant: piano.name,
            "\(piano.name) is out of room \(news.key.room): \(news.reason)")
        end(news.key, news.number)
    }

    private func end(_ key: PianoKey, _ number: Int) {
        guard let piano = pianos[key], piano.number == number else { return }
        pianos[key] = nil
        if let timer = piano.idle { context.loop.cancel(timer) }
        piano.end(wait: false)
    }

    /// Called when the hub ends. Its engines may go on, so everything that pianos hold must be released first.
    func endPianos(wait: Bool) {
        for piano in pianos.values { piano.end(wait: wait) }
        pianos = [:]
    }

    private func makePiano(_ key: PianoKey) throws(Errno) -> Piano? {
        guard let room = context.configuration.rooms.first(where: { $0.name == key.room }), let port = room.ports.first
        else { return nil }
        let taken = Set(pianos.values.map(\.name))
        let suffix = room.policy == .named ? " Out" : ""
        let names = (1...Self.mostPianos + 1).map { ($0 == 1 ? "Web piano" : "Web piano \($0)") + suffix }
        pianosMade += 1
        return try Piano(
            key, number: pianosMade, name: names.first { !taken.contains($0) } ?? names[0],
            host: Initiator.Host(name: context.configuration.ownAddress, port: port),
            settling: carrier.settling, news: pianoNews)
    }
}
