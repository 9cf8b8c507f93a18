/// Which handler answers what. Made before the server starts and never changed after.
///
/// Handlers run on the server's one thread and must not block it: what takes time answers later, from elsewhere.
package struct Router: Sendable {
    package typealias Handler = @Sendable (Request, Parameters, Responder) -> Void

    /// Asked before any route; an answer from it is the answer. Host names are checked here.
    package var before: (@Sendable (Request) -> Response?)?
    /// Asked before a handler that may change something, which is any but those of GET, HEAD and OPTIONS; an answer from
    /// it is the answer. Tokens are checked here.
    package var beforeChange: (@Sendable (Request) -> Response?)?
    /// Given every answer before it is sent, files and refusals too.
    package var after: (@Sendable (Request, inout Response) -> Void)?
    /// Asked where no route has the path.
    package var files: StaticFiles?

    private var fixed: [String: Route] = [:]
    private var patterns: [Route] = []

    package init() {}

    /// The parts of the path where the pattern has `{name}`, decoded, never empty.
    package struct Parameters: Sendable {
        fileprivate var values: [(name: String, value: String)] = []

        /// The pattern of the route must have that name.
        package subscript(name: String) -> String {
            guard let found = values.first(where: { $0.name == name }) else {
                preconditionFailure("the route's pattern has no {\(name)}")
            }
            return found.value
        }
    }

    private enum Segment: Equatable {
        case word(Substring)
        case parameter(String)
    }
    private struct Action {
        let handler: Handler
        /// The words that the query may have; nil where it may have any.
        let query: Set<String>?
    }
    private struct Route {
        var segments: [Segment]
        var actions: [Method: Action] = [:]

        /// GET brings HEAD, and every route answers OPTIONS.
        var allow: String { Self.allow(Array(actions.keys)) }

        static func allow(_ methods: [Method]) -> String {
            var names = Set(methods.map(\.rawValue)).union([Method.options.rawValue])
            if methods.contains(.get) { names.insert(Method.head.rawValue) }
            return names.sorted().joined(separator: ", ")
        }
    }

    /// Adds a route. `pattern` is a path whose segments may be `{name}`, which takes any one segment. A path without
    /// parameters goes before a pattern that fits it too; of two patterns, the one added first. With `query`, a query that
    /// has another name, or one of these twice, is refused: a misspelt name must not go unnoticed.
    package mutating func on(
        _ method: Method, _ pattern: String, query: Set<String>? = nil, _ handler: @escaping Handler
    ) {
        let action = Action(handler: handler, query: query)
        precondition(pattern.hasPrefix("/"), "\(pattern) does not start with a slash")
        precondition(method != .other && method != .head, "\(method) cannot be routed")
        let segments = pattern.split(separator: "/", omittingEmptySubsequences: false).map { word -> Segment in
            word.hasPrefix("{") && word.hasSuffix("}") ? .parameter(String(word.dropFirst().dropLast())) : .word(word)
        }
        let plain = segments.allSatisfy { if case .word = $0 { true } else { false } }
        if plain {
            add(method, action, to: &fixed[pattern, default: Route(segments: segments)], pattern)
        } else if let known = patterns.firstIndex(where: { $0.segments == segments }) {
            add(method, action, to: &patterns[known], pattern)
        } else {
            var route = Route(segments: segments)
            add(method, action, to: &route, pattern)
            patterns.append(route)
        }
    }

    private func add(_ method: Method, _ action: Action, to route: inout Route, _ pattern: String) {
        precondition(route.actions[method] == nil, "\(method) \(pattern) is routed twice")
        route.actions[method] = action
    }

    /// Every route as its method and pattern, `GET /rooms/{room}`, sorted.
    package var routes: [String] {
        (Array(fixed.values) + patterns).flatMap { route in
            let parts = route.segments.map { segment in
                switch segment {
                case .word(let word): String(word)
                case .parameter(let name): "{\(name)}"
                }
            }
            return route.actions.keys.map { "\($0.rawValue) \(parts.joined(separator: "/"))" }
        }.sorted()
    }

    /// Answers the request, or sees that it is answered.
    package func route(_ request: Request, _ responder: Responder) {
        var responder = responder
        if let after {
            responder = Responder(deliver: { [responder] response in
                var response = response
                after(request, &response)
                responder.send(response)
            })
        }
        if let refusal = before?(request) { return responder.send(refusal) }
        guard let (route, parameters) = find(request.path) else { return responder.send(fromFiles(request)) }
        // The body of an answer to HEAD is cut off where it is sent.
        let method = request.method == .head ? .get : request.method
        guard let action = route.actions[method] else {
            return responder.send(Self.lacking(request.method, allow: route.allow))
        }
        if method != .get, method != .options, let refusal = beforeChange?(request) { return responder.send(refusal) }
        if let known = action.query, let fault = request.query.fault(knowing: known) {
            return responder.send(.problem(.badRequest, fault))
        }
        action.handler(request, parameters, responder)
    }

    private func find(_ path: String) -> (Route, Parameters)? {
        if let route = fixed[path] { return (route, Parameters()) }
        guard !patterns.isEmpty else { return nil }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        for route in patterns where route.segments.count == parts.count {
            if let parameters = Self.match(route.segments, parts) { return (route, parameters) }
        }
        return nil
    }

    private static func match(_ segments: [Segment], _ parts: [Substring]) -> Parameters? {
        var parameters = Parameters()
        for (segment, word) in zip(segments, parts) {
            switch segment {
            case .word(let wanted): if wanted != word { return nil }
            case .parameter(let name):
                if word.isEmpty { return nil }
                parameters.values.append((name, String(word)))
            }
        }
        return parameters
    }

    private func fromFiles(_ request: Request) -> Response {
        guard let files else { return .problem(.notFound, StaticFiles.nothing, for: request) }
        let response = files.response(to: request)
        if request.method == .get || request.method == .head || response.status == .notFound { return response }
        return Self.lacking(request.method, allow: Route.allow([.get]))
    }

    private static func lacking(_ method: Method, allow: String) -> Response {
        if method == .options { return Response(.noContent, headers: ["Allow": allow]) }
        var response = Response.problem(.methodNotAllowed, "This path does not take that method, but \(allow).")
        response.headers["Allow"] = allow
        return response
    }
}
