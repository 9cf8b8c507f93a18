import Glibc
import HTTP
import Linux
import Synchronization
import Testing

/// A running server on a loopback port of the system's choice.
struct Fixture {
    let server: Server
    let address: Sockets.Address

    /// Both ends of every connection are in this process.
    private static let descriptors: Void = {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }()

    init(_ router: Router = .sample, limits: Limits = Limits()) throws {
        _ = Self.descriptors
        let listener = try Sockets.listen(try #require(Sockets.Address("127.0.0.1:0")))
        address = Sockets.localAddress(listener)
        server = try Server(router: router, limits: limits, listeners: [.tcp(listener)])
        try server.start()
    }

    func connect() throws -> Peer { try Peer(address) }
}

extension Router {
    static var sample: Router {
        var router = Router()
        router.on(.get, "/hello") { _, _, responder in responder.send(.text("hello")) }
        router.on(.post, "/echo") { request, _, responder in responder.send(Response(.ok, body: request.body)) }
        router.on(.get, "/rooms/{room}") { _, parameters, responder in responder.send(.text(parameters["room"])) }
        return router
    }
}

/// Responders of requests that wait for the test to answer them.
final class Waiting: Sendable {
    private let responders = Mutex<[Responder]>([])

    /// The sample, and `/late`, whose requests wait here.
    var router: Router {
        var router = Router.sample
        router.on(.get, "/late") { [self] _, _, responder in add(responder) }
        return router
    }

    func add(_ responder: Responder) { responders.withLock { $0.append(responder) } }

    /// The next one, as soon as there is one.
    func next() throws -> Responder {
        var next: Responder?
        try wait("a request reaches its handler") {
            next = responders.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            return next != nil
        }
        return try #require(next)
    }
}

/// Returns as soon as the condition holds; fails after 20 s.
func wait(_ what: Comment, until condition: () -> Bool) throws {
    let limit = ContinuousClock.now.advanced(by: .seconds(20))
    while !condition() {
        try #require(ContinuousClock.now < limit, what)
        _ = poll(nil, 0, 1)
    }
}

/// An empty directory, removed with all that is in it.
final class Directory {
    let path: String

    init() throws {
        var template = Array("/tmp/midihub-http-XXXXXX".utf8CString)
        path = String(cString: try #require(mkdtemp(&template)))
    }

    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let file = try Descriptor("open", name) { open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o644) }
        try file.writeAll(bytes)
    }

    func make(_ name: String) throws { try retrying("mkdir", name) { mkdir("\(path)/\(name)", 0o755) } }
    func link(_ name: String, to target: String) throws {
        try retrying("symlink", name) { symlink(target, "\(path)/\(name)") }
    }

    deinit { Self.removeAll(path) }

    private static func removeAll(_ path: String) {
        // remove(3) takes away files, links and empty directories.
        guard remove(path) != 0, let entries = opendir(path) else { return }
        while let entry = readdir(entries) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { removeAll("\(path)/\(name)") }
        }
        closedir(entries)
        _ = remove(path)
    }
}

/// The same numbers in every run (SplitMix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
