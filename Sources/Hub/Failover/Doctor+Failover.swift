package import Client
import Glibc
import Linux
import Rooms

/// What is wrong between the two hubs of a pair.
extension Doctor {
    /// Whether anything answers where the other hub should be.
    package struct Reach: Equatable, Sendable {
        package var tcp: Bool
        package var udp: Bool
        package init(tcp: Bool, udp: Bool) { (self.tcp, self.udp) = (tcp, udp) }
    }

    private static let topic = "the other hub"

    /// As the running hub knows it. `reach`: as this machine sees it, where the two have no connection.
    package static func pair(_ pair: Snapshot.Failover, reach: Reach? = nil) -> [Finding] {
        let port = pair.partner.with ?? "it"
        func missing(_ text: String, _ fix: String) -> [Finding] {
            [Finding(topic: topic, isWell: false, text: text, fix: fix)]
        }
        guard pair.partner.connected else {
            let trouble = pair.trouble.map { ": \($0)" } ?? ""
            switch (reach?.tcp, reach?.udp) {
            case (true?, _):
                return missing(
                    "TCP gets through to \(port), but what answers there is not the other hub\(trouble)",
                    "see that both name each other, with the same secret, one as main and one as backup")
            case (false?, true?):
                return missing(
                    "it answers over UDP, but TCP does not get through to \(port)\(trouble)",
                    "let TCP of that port through, both ways")
            case (false?, _):
                return missing(
                    "nothing answers at \(port), neither over TCP nor over UDP\(trouble)",
                    "start it, and let UDP and TCP of that port through, both ways")
            case (nil, _):
                return missing(
                    "it cannot be reached over TCP at \(port)\(trouble)",
                    "start it, and let TCP of that port through, both ways")
            }
        }
        guard pair.partner.linked else {
            return missing(
                "TCP reaches it, but nothing comes from it over UDP",
                "let UDP of the port behind the control port through, both ways")
        }
        if pair.partner.configuration == .differs {
            return missing(
                "its configuration is another one",
                "make rooms, policies, focus, inputs, maxima and note the same at both hubs")
        }
        return [Finding(topic: topic, isWell: true, text: pair.sentence)]
            + (pair.settings.warnings ?? []).map {
                Finding(
                    topic: "settings of the two hubs", isWell: false, isOptional: true, text: $0,
                    fix: "`midihub failover --help` says what the presets mean")
            }
    }

    /// Where the way to the other hub is the way to all players. Given are this machine's own addresses from which it speaks to
    /// each of them; those who are on this machine do not count.
    package static func oneSwitch(partner: String?, players: [String]) -> [Finding] {
        guard let partner, !players.isEmpty, players.allSatisfy({ $0 == partner }) else { return [] }
        return [
            Finding(
                topic: topic, isWell: false, isOptional: true,
                text:
                    "it is reached by the same network as all players (from \(partner)): one switch for both, and where that fails neither hub knows whether the other one lives",
                fix:
                    "give the hubs a second network between them, and name the other one by its address there in `with`"
            )
        ]
    }

    // MARK: Looking

    /// This machine's own address from which it speaks to another one, by its routes; nothing is sent. nil where no way leads
    /// there, or it is this machine.
    package static func ownAddress(towards host: String) -> String? {
        guard let target = try? SocketAddress.resolve(host, port: 9).first, !target.isLoopback,
            let socket = try? Sockets.connect(datagramsTo: Sockets.Address(host: target.host, port: 9))
        else { return nil }
        let own = Sockets.localAddress(socket).host
        return own == target.host ? nil : own
    }

    /// Tries both, each for so long where nothing answers. Over UDP it asks as `midihub ping` does.
    package static func reach(_ host: Initiator.Host, within limit: Duration = .seconds(2)) -> Reach {
        var reach = Reach(tcp: false, udp: false)
        guard let loop = try? EventLoop(), let asking = try? Initiator(host, name: Probe.name, loop: loop),
            let target = try? SocketAddress.resolve(host.name, port: host.port).first
        else { return reach }
        let address = Sockets.Address(host: target.host, port: host.port)
        if let socket = try? Sockets.connect(address, nonBlocking: true) {
            var waiting = pollfd(fd: socket.number, events: Int16(POLLOUT), revents: 0)
            reach.tcp =
                poll(&waiting, 1, CInt(limit / .milliseconds(1))) == 1
                && waiting.revents & Int16(POLLERR | POLLHUP) == 0
        }
        asking.onNews = { news in
            guard case .up = news else { return }
            reach.udp = true
            asking.leave { loop.stop() }
        }
        asking.start()
        loop.after(limit) { loop.stop() }
        try? loop.run()
        return reach
    }
}
