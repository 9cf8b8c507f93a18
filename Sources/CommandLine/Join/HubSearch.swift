import Client
import Hub
import Linux

/// Looks for hubs that are announced on the local network until it is known which one is meant.
final class HubSearch {
    /// What was found out by one look.
    enum Finding: Equatable, Sendable {
        /// It is meant; beside it there are others.
        case one(Initiator.Host, others: [AnnouncedSession])
        /// The room of each host.
        case rooms([Initiator.Host])
        /// It cannot be known which one is meant.
        case several([AnnouncedSession])
        /// Nothing that could be meant, but others.
        case others([AnnouncedSession])
        case none
        case failed(String)
    }

    /// Called with each look until it says that it was enough.
    var onFinding: (Finding) -> Void = { _ in }

    private let loop: EventLoop
    private let hosts: [Initiator.Host]
    private let room: String?
    private let looks: Mailbox<Finding>
    private var isLooking = false
    private var timer: EventLoop.TimerID?
    private static let pause = Duration.seconds(5)

    /// - Parameter hosts: only what these announce; anything where there are none.
    init(_ hosts: [Initiator.Host], room: String?, loop: EventLoop) throws(Errno) {
        (self.hosts, self.room, self.loop) = (hosts, room, loop)
        looks = try Mailbox()
        try loop.receive(looks) { [unowned self] in
            isLooking = false
            onFinding($0)
        }
    }

    func look() {
        if let timer { loop.cancel(timer) }
        timer = nil
        guard !isLooking else { return }
        isLooking = true
        let (hosts, room, looks) = (hosts, room, looks)
        let work = { @Sendable in looks.send(Self.finding(hosts, room)) }
        do throws(Errno) {
            try WorkerThread("search", work).detach()
        } catch { looks.send(.failed("no thread: \(error)")) }
    }

    func lookAgain() { if timer == nil { timer = loop.after(Self.pause) { [unowned self] in look() } } }

    private static func finding(_ hosts: [Initiator.Host], _ room: String?) -> Finding {
        do throws(AnnouncedSession.Failure) {
            let sessions = try AnnouncedSession.all()
            guard let room, !hosts.isEmpty else { return choice(among: sessions, room: room) }
            var found: [Initiator.Host] = []
            for host in hosts {
                let addresses = (try? SocketAddress.resolve(host.name, port: host.port)) ?? []
                let own = sessions.filter { $0.addresses.contains { one in addresses.contains(where: one.isSameHost) } }
                guard case .one(let one, _) = choice(among: own, room: room) else {
                    return own.isEmpty ? .failed("\(host) announces nothing here: say its port") : .others(own)
                }
                found.append(one)
            }
            return .rooms(found)
        } catch { return .failed("\(error)") }
    }

    /// Hubs of this program, which tell their rooms, go before others: a Mac announces itself, too. A room may be called as
    /// its hub calls it, or as it is announced.
    static func choice(among sessions: [AnnouncedSession], room: String?) -> Finding {
        func isMeant(_ session: AnnouncedSession) -> Bool {
            guard let wanted = room?.lowercased() else { return true }
            let name = session.name.lowercased()
            return name == wanted || session.room.map { $0.lowercased() == wanted } ?? name.hasSuffix(" \(wanted)")
        }
        let meant = sessions.filter(isMeant)
        // What is announced under that very name is meant, even where another's room is called the same.
        let named = meant.filter { $0.name.lowercased() == room?.lowercased() }
        let rooms = meant.filter { $0.room != nil }
        let best = !named.isEmpty ? named : !rooms.isEmpty ? rooms : meant
        switch best.count {
        case 0: return sessions.isEmpty ? .none : .others(sessions)
        case 1: return .one(Initiator.Host(best[0]), others: meant.filter { $0 != best[0] })
        default: return .several(best)
        }
    }

    /// What `--room` is to say for each of them: the room's name, where no other's is the same.
    static func choices(for sessions: [AnnouncedSession]) -> [String] {
        sessions.map { session in
            let isAlone = sessions.count { $0.room == session.room } == 1
            return session.room.flatMap { isAlone ? $0 : nil } ?? session.name
        }
    }

    static func list(_ sessions: [AnnouncedSession]) -> [String] {
        zip(choices(for: sessions), sessions).map { choice, session in
            let address = session.addresses.first.map { ", \($0)" } ?? ""
            return "  --room \"\(choice)\"   \(session.name)\(address)"
        }
    }
}
