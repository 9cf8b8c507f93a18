//  Module WebAPI: the hub over HTTP. Start here, then `Routes.swift` (what there is), `API.swift` (in which shapes).
//
//  What it is: routes, access, metrics, the stream, on the thread of an HTTP server. What it refuses to be: one who
//  decides; commands go to the hub's loop as values, and are answered from there. Ruled by openapi.json and WebAPI.docc.

import EngineProtocol
import HTTP
package import Hub
import Linux
package import Rooms
package import Store

/// Shows a hub on its page's address and on the command line's socket.
package final class WebServer: HubObserver {
    private let server: Server
    private let state: StateDirectory
    private var views: StreamViews
    package let pageAddress: String

    /// Opens both. Throws where the page's address is taken, with who has it.
    package init(_ hub: Hub) throws {
        state = hub.state
        let configuration = hub.configuration
        let access = AccessControl(
            token: try AccessToken.own(configuration, state: state), hosts: configuration.hosts,
            origins: configuration.origins)
        let counters = HubCounters(store: hub.counters)
        let routes = Routes(
            board: hub.board, access: access, database: hub.database, requests: hub.requests,
            webDirectory: WebDirectory.find(configuration.web), counters: counters)
        let local = try Sockets.listen(unix: state.socket, mode: 0o660)
        let page: Descriptor
        do throws(Errno) {
            page = try Sockets.listen(configuration.listen)
        } catch {
            File.remove(state.socket)
            let finding = Doctor.page(configuration.listen)
            // The program that had the address may be gone by now.
            let text = finding.isWell ? "\(configuration.listen): \(error.reason)" : finding.text
            throw HubError("the page cannot be served: \(text); choose another with --listen ADDRESS:PORT")
        }
        let bound = Sockets.localAddress(page)
        pageAddress =
            "http://\(bound.host == "::" || bound.host == "0.0.0.0" ? "localhost:\(bound.port)" : "\(bound)")/"
        server = try Server(
            router: routes.router(), listeners: [.unix(local), .tcp(page)], counters: counters.http)
        views = StreamViews(points: hub.memory.recentRoundTrips)
        show(hub.memory.recentEvents)
        // `midihub start` tells people the address by it. The hub works without it, so an error (a full disk) is
        // ignored.
        try? File.replace("\(state.path)/page", with: Array("\(pageAddress)\n".utf8))
    }

    package var isWatched: Bool { server.viewers > 0 }
    package var watchesSounding: Bool { server.isWatched(StreamView.sounding.topic) }

    package func start() throws { try server.start() }
    package func stop() { server.stop() }

    package func reopenSocket() -> Bool {
        guard let socket = try? Sockets.listen(unix: state.socket, mode: 0o660) else { return false }
        server.replaceSocket(by: .unix(socket))
        return true
    }

    package func show(_ snapshot: Snapshot) { publish(views.update(to: snapshot, isWatched: isWatched, now: .now)) }
    package func show(_ events: [EventRecord]) { server.publish(views.recorded(events)) }
    package func lostEvents() { views.lostEvents() }
    package func showPlayed(_ notes: [Int64: Int]) { server.publish(StreamViews.activity(notes)) }

    package func showSounding(_ all: [Int64: ActiveNotes]?) {
        publish(views.sounding(API.Sounds.list(all ?? [:]), isWatched: all != nil))
    }

    private func publish(_ update: StreamUpdate) {
        if !update.isEmpty { server.publish(update) }
    }
}
