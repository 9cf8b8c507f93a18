import Foundation
import HTTP
package import Hub
import Linux
import WebAPI

/// The command line's way to a running hub: the `hub.sock` of the one on this machine, or `--hub URL`, by curl.
package final class HubClient {
    enum Endpoint {
        case here(StateDirectory)
        case away(HubURL)
    }
    struct Answer {
        let status: Int
        let body: [UInt8]
    }
    let endpoint: Endpoint
    /// Why the last request had no answer, or none of those hoped for.
    private(set) var problem = ""
    /// Whether the last request had an answer at all.
    private var isAnswered = false
    var isSilent: Bool { !isAnswered }
    /// The token for commands to a hub elsewhere.
    private let token: () throws(ConfigurationError) -> String?
    /// Commands are to be obeyed though the hub is locked.
    private let forces: Bool

    package init(_ state: StateDirectory, forces: Bool = false) {
        (endpoint, self.forces, token) = (.here(state), forces, { () throws(ConfigurationError) in nil })
    }

    init(_ url: HubURL, forces: Bool, token: @escaping () throws(ConfigurationError) -> String?) {
        (endpoint, self.forces, self.token) = (.away(url), forces, token)
    }

    /// The body of a 200 answer; nil where no hub gives one.
    func get(_ path: String) -> [UInt8]? {
        guard let answer = ask(.get, path, .seconds(5)) else { return nil }
        if answer.status == 200 { return answer.body }
        problem = Self.problem(in: answer)
        return nil
    }

    func get<Value: Decodable>(_ path: String, as type: Value.Type) -> Value? {
        get(path).flatMap { bytes in
            let value = try? JSONDecoder().decode(type, from: Data(bytes))
            if value == nil { problem = "the hub's answer was not understood: is it another version?" }
            return value
        }
    }

    /// Everyone who is here, however many pages that takes; nil where no hub tells it.
    package func participants() -> [Snapshot.Participant]? {
        var all: [Snapshot.Participant] = []
        var cursor: Paging.Cursor?
        while true {
            let query = cursor.map { "?cursor=\($0)" } ?? ""
            guard let page = get("/api/v1/participants\(query)", as: API.Participants.self) else { return nil }
            all += page.participants
            // A hub elsewhere may answer anything: without a cursor that advances this would never end.
            guard let next = page.next.flatMap(Paging.Cursor.init), cursor.map({ $0 < next }) ?? true else {
                return all
            }
            cursor = next
        }
    }

    /// nil where no hub answers.
    func post(_ path: String, within limit: Duration = .seconds(20)) -> Answer? { ask(.post, forced(path), limit) }
    func delete(_ path: String) -> Answer? { ask(.delete, forced(path), .seconds(20)) }

    private func forced(_ path: String) -> String {
        forces ? path + (path.contains("?") ? "&force=1" : "?force=1") : path
    }

    /// Says that no hub answers, or what is wrong with its answer.
    func complain() -> ExitCode {
        switch endpoint {
        case .here(let state) where !isAnswered:
            return Output.notRunning(state)
        case .here(let state):
            Output.complain("\(state.path): \(Output.safe(problem))")
            return .no
        case .away(let url):
            Output.complain("\(url): \(Output.safe(problem))")
            return .no
        }
    }

    var isAway: Bool { if case .away = endpoint { true } else { false } }

    private func ask(_ method: Method, _ path: String, _ timeout: Duration) -> Answer? {
        let answer = send(method, path, timeout)
        isAnswered = answer != nil
        return answer
    }

    private func send(_ method: Method, _ path: String, _ timeout: Duration) -> Answer? {
        switch endpoint {
        case .here(let state):
            let endpoint = Client.Endpoint.socket(path: state.socket)
            do throws(Client.Failure) {
                let answer =
                    switch method {
                    case .get: try Client.get(path, at: endpoint, timeout: timeout)
                    case .delete: try Client.delete(path, at: endpoint, timeout: timeout)
                    default: try Client.post(path, at: endpoint, timeout: timeout)
                    }
                return Answer(status: answer.status, body: answer.body)
            } catch { problem = error.description }
            return nil
        case .away(let url):
            var request = Curl(url: url.description + path, method: method.rawValue)
            request.seconds = Int(timeout.components.seconds)
            if method != .get {
                // Sent with commands only: reading needs no token, and the hub may be a stranger's.
                do throws(ConfigurationError) {
                    guard let token = try token() else {
                        problem = "it takes orders with its token only: set MIDIHUB_TOKEN"
                        return nil
                    }
                    request.headers = ["Authorization: Bearer \(token)"]
                } catch {
                    problem = error.description
                    return nil
                }
                if url.isReadable {
                    Output.complain("the token goes to \(url) where others on the way can read it: use https")
                }
            }
            switch request.run() {
            case .answered(let status, let body): return Answer(status: status, body: body)
            case .failed(let reason): problem = reason
            }
            return nil
        }
    }

    /// What an answer other than 200 says.
    static func problem(in answer: Answer) -> String {
        struct Problem: Decodable { var detail: String? }
        let detail = (try? JSONDecoder().decode(Problem.self, from: Data(answer.body)))?.detail
        return detail ?? "it answered \(answer.status); is it a MIDI Hub?"
    }
}

extension Options {
    /// The hub that is meant: the one of `--hub`, else this machine's.
    var client: HubClient {
        guard let hub else { return HubClient(stateDirectory, forces: force) }
        let options = self
        return HubClient(hub, forces: force) { () throws(ConfigurationError) in
            if let token = try AccessToken.inEnvironment() { return token }
            return try options.configuration().token
        }
    }
}
