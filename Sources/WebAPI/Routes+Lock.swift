import EngineProtocol
import HTTP
import Hub

/// The hub is locked for a show, and unlocked.
extension Routes {
    func addLock(to router: inout Router) {
        router.on(.get, "/api/v1/lock", query: []) { [board] request, _, responder in
            responder.send(Self.answer(board.body("lock") { JSON.text(API.Lock($0.lock)) }, for: request))
        }
        router.on(.post, "/api/v1/lock", query: ["by"]) { request, _, responder in
            give(.lock(by: request.query["by"]), request, responder)
        }
        router.on(.delete, "/api/v1/lock", query: []) { request, _, responder in give(.unlock, request, responder) }
        router.on(.post, "/api/v1/lock/restart", query: []) { request, _, responder in
            give(.putOffRestart, request, responder)
        }
    }
}
