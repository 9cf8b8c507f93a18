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
        router.on(.post, "/api/v1/failover/pairings", query: ["here", "there", "force"]) { request, _, responder in
            guard let here = Self.number(request.query["here"], 0...(.max), else: -1), here >= 0,
                let there = Self.number(request.query["there"], 0...(.max), else: -1), there >= 0
            else {
                return responder.send(
                    .problem(.badRequest, "here and there are the numbers of two participants, both needed."))
            }
            give(.pair(here, with: UInt64(there)), request, responder)
        }
        router.on(.delete, "/api/v1/failover/pairings", query: ["here", "force"]) { request, _, responder in
            guard let here = Self.number(request.query["here"], 0...(.max), else: -1), here >= 0 else {
                return responder.send(.problem(.badRequest, "here is the number of a participant, and needed."))
            }
            give(.unpair(here), request, responder)
        }
        router.on(.post, "/api/v1/failover/drill", query: ["mute", "seconds", "kill", "force"]) {
            request, _, responder in
            let range = DrillOrder.seconds
            guard let force = Self.number(request.query["force"], 0...1, else: 0),
                let seconds = Self.optionalNumber(request.query["seconds"], range)
            else {
                return responder.send(
                    .problem(
                        .badRequest,
                        "seconds is \(range.lowerBound) to \(range.upperBound); force is 1 or 0."))
            }
            guard let order = Self.drill(request.query["mute"], seconds, request.query["kill"]) else {
                return responder.send(
                    .problem(
                        .conflict, "mute and kill are two drills: name one hub in one of them. seconds goes with mute.")
                )
            }
            give(.drill(order, force: force == 1), request, responder)
        }
    }

    /// nil where these do not go together.
    private static func drill(_ mute: String?, _ seconds: Int64?, _ kill: String?) -> DrillOrder? {
        switch (mute, kill, seconds) {
        case (nil, nil, nil): DrillOrder(.handover)
        case (nil, let hub?, nil): DrillOrder(.kill, hub: hub)
        case (let hub?, nil, _): DrillOrder(.mute, hub: hub, seconds: seconds.map(Int.init) ?? DrillOrder.usualSeconds)
        default: nil
        }
    }
}
