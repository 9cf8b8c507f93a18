import HTTP
import Synchronization
import Testing

/// What a router answers, without a server.
private func answer(_ router: Router, _ method: Method, _ path: String) -> Response? {
    let seen = Mutex<Response?>(nil)
    let box = Box(seen)
    router.route(Request(method: method, path: path), Responder { box.put($0) })
    return box.response
}

private final class Box: Sendable {
    private let slot: Mutex<Response?>
    init(_ slot: consuming sending Mutex<Response?>) { self.slot = slot }
    func put(_ response: Response) { slot.withLock { $0 = response } }
    var response: Response? { slot.withLock { $0 } }
}

struct RouterTests {
    private static let router: Router = {
        var router = Router()
        router.on(.get, "/api/engines") { _, _, responder in responder.send(.text("list")) }
        router.on(.post, "/api/engines/{name}/restart") { _, parameters, responder in
            responder.send(.text("restart \(parameters["name"])"))
        }
        router.on(.get, "/api/{kind}/all") { _, parameters, responder in
            responder.send(.text("all \(parameters["kind"])"))
        }
        router.on(.get, "/api/engines/all") { _, _, responder in responder.send(.text("all engines")) }
        router.on(.get, "/both/{x}") { _, _, responder in responder.send(.text("got")) }
        router.on(.post, "/both/{x}") { _, _, responder in responder.send(.text("posted")) }
        router.on(.get, "/silent") { _, _, _ in }
        return router
    }()

    @Test(arguments: [
        (Method.get, "/api/engines", "list"), (.post, "/api/engines/rt p\n/restart", "restart rt p\n"),
        (.get, "/api/rooms/all", "all rooms"), (.get, "/api/engines/all", "all engines"), (.get, "/both/1", "got"),
        (.post, "/both/1", "posted"), (.head, "/api/engines", "list"),
    ])
    func `a path finds its handler and its parameters`(method: Method, path: String, body: String) {
        let response = answer(Self.router, method, path)
        #expect(response.map { String(decoding: $0.body, as: UTF8.self) } == body)
    }

    @Test(arguments: ["/", "/api", "/api/engines/", "/api/engines//restart", "//api/engines", "/API/engines", "/both/"])
    func `an unknown path is 404 in words`(path: String) {
        let response = answer(Self.router, .get, path)
        #expect(response?.status == .notFound)
        #expect(response?.headers["Content-Type"] == "application/problem+json")
    }

    @Test(arguments: [
        ([], 200), ([("limit", "1")], 200), ([("limit", "1"), ("cursor", "")], 200), ([("limits", "1")], 400),
        ([("limit", "1"), ("limit", "1")], 400), ([("", "")], 400),
    ])
    func `where the query's names are known, others and repetitions are refused`(
        pairs: [(String, String)], status: Int
    ) {
        var router = Router()
        router.on(.get, "/list", query: ["limit", "cursor"]) { _, _, responder in responder.send(.text("")) }
        router.on(.get, "/any") { _, _, responder in responder.send(.text("")) }
        for (path, wanted) in [("/list", status), ("/any", 200)] {
            let box = Box(Mutex(nil))
            let query = Query(pairs.map { (name: $0.0, value: $0.1) })
            router.route(Request(path: path, query: query), Responder { box.put($0) })
            #expect(box.response?.status.code == wanted)
        }
    }

    @Test(arguments: [
        (Method.post, "/api/engines", "GET, HEAD, OPTIONS"), (.get, "/api/engines/a/restart", "OPTIONS, POST"),
        (.head, "/api/engines/a/restart", "OPTIONS, POST"), (.other, "/both/1", "GET, HEAD, OPTIONS, POST"),
        (.delete, "/both/1", "GET, HEAD, OPTIONS, POST"),
    ])
    func `a method that a path lacks is 405 with those it has`(method: Method, path: String, allow: String) {
        let response = answer(Self.router, method, path)
        #expect(response?.status == .methodNotAllowed)
        #expect(response?.headers["Allow"] == allow)
    }

    @Test func `OPTIONS says what a path takes`() {
        let response = answer(Self.router, .options, "/both/1")
        #expect(response?.status == .noContent)
        #expect(response?.headers["Allow"] == "GET, HEAD, OPTIONS, POST")
        #expect(answer(Self.router, .options, "/none")?.status == .notFound)
    }

    @Test func `a handler that forgets its responder answers 500`() {
        #expect(answer(Self.router, .get, "/silent")?.status == .internalError)
    }

    @Test func `the hook is asked first, also where there is no route`() {
        var router = Self.router
        router.before = { $0.path.hasPrefix("/api") ? nil : .problem(.forbidden, "No.") }
        #expect(answer(router, .get, "/api/engines")?.status == .ok)
        #expect(answer(router, .get, "/both/1")?.status == .forbidden)
        #expect(answer(router, .get, "/none")?.status == .forbidden)
    }

    @Test func `only a handler that may change something is guarded`() {
        var router = Self.router
        router.beforeChange = { _ in .problem(.unauthorized, "Who are you?") }
        #expect(answer(router, .post, "/both/1")?.status == .unauthorized)
        #expect(answer(router, .get, "/both/1")?.status == .ok)
        #expect(answer(router, .head, "/both/1")?.status == .ok)
        #expect(answer(router, .options, "/both/1")?.status == .noContent)
        #expect(answer(router, .post, "/api/engines")?.status == .methodNotAllowed)
        #expect(answer(router, .post, "/none")?.status == .notFound)
    }

    @Test func `files answer where no route does, and take GET and HEAD only`() throws {
        let directory = try Directory()
        try directory.write("page.html", "page")
        try directory.write("silent", "never seen: a route has this path")
        var router = Self.router
        router.files = StaticFiles(directory: directory.path)
        #expect(answer(router, .get, "/page.html")?.status == .ok)
        #expect(answer(router, .head, "/page.html")?.status == .ok)
        #expect(answer(router, .get, "/silent")?.status == .internalError)
        #expect(answer(router, .post, "/page.html")?.status == .methodNotAllowed)
        #expect(answer(router, .post, "/page.html")?.headers["Allow"] == "GET, HEAD, OPTIONS")
        #expect(answer(router, .options, "/page.html")?.status == .noContent)
        #expect(answer(router, .post, "/none.html")?.status == .notFound)
        #expect(answer(router, .get, "/none.html")?.status == .notFound)
    }
}
