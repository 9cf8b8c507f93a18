import HTTP
import Hub

/// Who feeds back to a room's controllers, and which of several controllers is heard.
extension Routes {
    func addFocus(to router: inout Router) {
        router.on(.post, "/api/v1/rooms/{name}/focus", query: ["member", "force"]) { request, parameters, responder in
            guard let member = Self.member(request, responder) else { return }
            give(.focus(room: parameters["name"], member), request, responder)
        }
        router.on(.delete, "/api/v1/rooms/{name}/focus", query: Self.forcible) { request, parameters, responder in
            give(.focus(room: parameters["name"], nil), request, responder)
        }
        router.on(.post, "/api/v1/rooms/{name}/inputs/{input}/live", query: ["member", "force"]) {
            request, parameters, responder in
            guard let member = Self.member(request, responder) else { return }
            give(.choose(room: parameters["name"], input: parameters["input"], member), request, responder)
        }
        router.on(.delete, "/api/v1/rooms/{name}/inputs/{input}/live", query: Self.forcible) {
            request, parameters, responder in
            give(.choose(room: parameters["name"], input: parameters["input"], nil), request, responder)
        }
    }

    /// nil where that has been answered.
    private static func member(_ request: Request, _ responder: Responder) -> String? {
        if let member = request.query["member"], (1...256).contains(member.unicodeScalars.count) { return member }
        responder.send(.problem(.badRequest, "member is a participant's name of 1 to 256 characters, and needed."))
        return nil
    }
}
