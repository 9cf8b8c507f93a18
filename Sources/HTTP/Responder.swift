import Synchronization

/// The promise of one answer. A handler may send from any thread, at once or later; the first answer counts. One that is
/// released without an answer answers 500, so that no mistake of ours leaves a peer waiting.
package final class Responder: Sendable {
    private enum State {
        /// The handler has not returned: an answer is kept for the server to collect.
        case open
        case kept(Response)
        /// The handler has returned: an answer is delivered to the server's thread.
        case late
        case done
    }
    private let state: Mutex<State>
    private let deliver: @Sendable (Response) -> Void

    /// A responder outside a server, such as in a test of a handler: `deliver` gets the answer, once.
    package init(deliver: @escaping @Sendable (Response) -> Void) {
        state = Mutex(.late)
        self.deliver = deliver
    }

    init(collectedOr deliver: @escaping @Sendable (Response) -> Void) {
        state = Mutex(.open)
        self.deliver = deliver
    }

    package func send(_ response: Response) {
        let isLate = state.withLock { state in
            switch state {
            case .open:
                state = .kept(response)
                return false
            case .late:
                state = .done
                return true
            case .kept, .done: return false
            }
        }
        if isLate { deliver(response) }
    }

    /// The answer that is there already. Without one, the answer will be delivered.
    func collect() -> Response? {
        state.withLock { state in
            switch state {
            case .kept(let response):
                state = .done
                return response
            case .open:
                state = .late
                return nil
            case .late, .done: return nil
            }
        }
    }

    deinit {
        let isAnswered = state.withLock { state in
            switch state {
            case .kept, .done: true
            case .open, .late: false
            }
        }
        if !isAnswered { send(.problem(.internalError, "The server found no answer to this request.")) }
    }
}
