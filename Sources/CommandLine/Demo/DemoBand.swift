import Client
import Engine
import Hub
import Linux

/// Four participants who play together, each over a session of its own, on a thread of their own.
final class DemoBand {
    private let orders: Mailbox<Void>
    private let thread: WorkerThread

    init(_ host: Initiator.Host) throws(Errno) {
        let orders = try Mailbox<Void>()
        self.orders = orders
        thread = try WorkerThread("demo band") {
            do throws(Errno) {
                try Performance(host).run(until: orders)
            } catch { Output.complain("the players cannot play: \(error)") }
        }
    }

    /// They end their notes and say BY.
    func stop() {
        orders.send(())
    }
}

/// The players' thread at work: one clock, four parts.
private final class Performance {
    private let loop: EventLoop
    private let players: [(part: DemoPart, participant: Initiator)]
    private var step = 0
    /// Notes that sound, and the step at which each is to be ended.
    private var sounding: [(step: Int, player: Int, message: [UInt8])] = []
    private var leaving = 0

    init(_ host: Initiator.Host) throws(Errno) {
        let loop = try EventLoop()
        var players: [(DemoPart, Initiator)] = []
        for part in DemoPart.allCases {
            players.append((part, try Initiator(host, name: part.rawValue, loop: loop)))
        }
        (self.loop, self.players) = (loop, players)
    }

    func run(until end: Mailbox<Void>) throws(Errno) {
        for (_, participant) in players { participant.start() }
        try loop.receive(end) { [unowned self] in leave() }
        loop.every(DemoPart.step) { [unowned self] in play() }
        try loop.run()
    }

    private func play() {
        // All begin together.
        guard leaving == 0, step > 0 || players.allSatisfy(\.participant.isUp) else { return }
        for note in sounding where note.step <= step { players[note.player].participant.send([note.message]) }
        sounding.removeAll { $0.step <= step }
        for (index, player) in players.enumerated() {
            let (messages, notes) = player.part.plays(at: step)
            player.participant.send(messages + notes.map { [0x90 | player.part.channel, $0.number, $0.velocity] })
            for note in notes {
                sounding.append((step + note.steps, index, [0x80 | player.part.channel, note.number, 64]))
            }
        }
        step += 1
    }

    private func leave() {
        for (_, participant) in players {
            participant.leave { [unowned self] in
                leaving += 1
                if leaving == players.count { loop.stop() }
            }
        }
    }
}
