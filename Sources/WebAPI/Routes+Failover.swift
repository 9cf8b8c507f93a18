import EngineProtocol
import HTTP
import Hub

/// Two hubs that are a pair: how it is with the other one, and orders.
extension Routes {
    func addFailover(to router: inout Router) {
        router.on(.get, "/api/v1/failover", query: []) { [board, access] request, _, responder in
            if let refusal = access.refuseRead(request) { return responder.send(refusal) }
            guard board.snapshot.failover != nil else {
                return responder.send(.problem(.notFound, "This hub has no partner."))
            }
            let isFull = access.holdsToken(request)
            let body = board.body(isFull ? "failover and addresses" : "failover") { snapshot in
                // It may have lost its partner since.
                snapshot.failover.map { JSON.text(isFull ? $0 : API.hidden($0)) } ?? "{}"
            }
            responder.send(Self.answer(body, for: request))
        }
        for order in FailoverOrder.allCases {
            router.on(.post, "/api/v1/failover/\(order.rawValue)", query: ["force"]) { request, _, responder in
                guard let force = Self.number(request.query["force"], 0...1, else: 0) else {
                    return responder.send(
                        .problem(.badRequest, "force is 1, to go over what stands against it, or 0."))
                }
                give(.failover(order, force: force == 1), request, responder)
            }
        }
    }
}
