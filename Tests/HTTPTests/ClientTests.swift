import Glibc
import HTTP
import Linux
import Testing

/// A server that says fixed bytes to one peer, whatever it asks, and ends the connection.
private final class Parrot {
    let endpoint: Client.Endpoint
    private var thread: WorkerThread?

    init(_ bytes: [UInt8], staysOpen: Bool = false) throws {
        let listener = try Sockets.listen(try #require(Sockets.Address("127.0.0.1:0")))
        endpoint = .address(Sockets.localAddress(listener))
        let box = Listening(listener)
        thread = try WorkerThread("parrot") { box.serve(bytes, staysOpen: staysOpen) }
    }

    func join() {
        if let worker = thread.take() { worker.join() }
    }

    private final class Listening: Sendable {
        let listener: Descriptor
        init(_ listener: consuming Descriptor) { self.listener = listener }

        func serve(_ bytes: [UInt8], staysOpen: Bool) {
            var entry = pollfd(fd: listener.number, events: Int16(POLLIN), revents: 0)
            _ = poll(&entry, 1, 20_000)
            guard let accepted = try? Sockets.accept(listener) else { return }
            let socket = accepted.intoSocket()
            _ = fcntl(socket.number, F_SETFL, 0)  // blocking from here
            var chunk = [UInt8](repeating: 0, count: 4096)
            _ = try? chunk.withUnsafeMutableBytes { try socket.read(into: $0) }
            try? socket.writeAll(bytes, socket: true)
            if !staysOpen { _ = shutdown(socket.number, CInt(SHUT_WR)) }
            // Until the client goes.
            while case .bytes = (try? chunk.withUnsafeMutableBytes({ try socket.read(into: $0) })) ?? .end {}
        }
    }
}

private func ask(_ answer: String, staysOpen: Bool = false, timeout: Duration = .seconds(20)) throws
    -> Result<Client.Answer, Client.Failure>
{
    let parrot = try Parrot(Array(answer.utf8), staysOpen: staysOpen)
    defer { parrot.join() }
    do throws(Client.Failure) {
        return .success(try Client.get("/", at: parrot.endpoint, timeout: timeout))
    } catch { return .failure(error) }
}

struct ClientTests {
    @Test func `it asks over TCP and over the unix socket`() throws {
        let directory = try Directory()
        let path = "\(directory.path)/hub.sock"
        let tcp = try Sockets.listen(try #require(Sockets.Address("127.0.0.1:0")))
        let address = Sockets.localAddress(tcp)
        let server = try Server(
            router: .sample, listeners: [.tcp(tcp), .unix(try Sockets.listen(unix: path, mode: 0o660))])
        try server.start()
        for endpoint in [Client.Endpoint.address(address), .socket(path: path)] {
            let hello = try Client.get("/hello", at: endpoint)
            #expect(hello.status == 200)
            #expect(hello.body == Array("hello".utf8))
            #expect(hello.headers["content-type"] == "text/plain; charset=utf-8")
            let body = [UInt8](repeating: 9, count: 65536)
            #expect(try Client.post("/echo", body: body, at: endpoint).body == body)
            #expect(try Client.post("/echo", at: endpoint).body.isEmpty)
            #expect(try Client.get("/none", at: endpoint).status == 404)
            #expect(try Client.get("/rooms/" + Client.encoded("a b%/ü\n"), at: endpoint).status == 400)
            #expect(try Client.get("/rooms/" + Client.encoded("a b%ü\n"), at: endpoint).body == Array("a b%ü\n".utf8))
            let tooLarge = [UInt8](repeating: 9, count: 3_000_000)
            #expect(try Client.post("/echo", body: tooLarge, at: endpoint).status == 413)
        }
    }

    @Test func `headers reach the handler`() throws {
        var router = Router()
        router.on(.get, "/") { request, _, responder in
            responder.send(.text(request.headers["Authorization"] ?? "none"))
        }
        let fixture = try Fixture(router)
        let answer = try Client.get("/", at: .address(fixture.address), headers: ["Authorization": "Bearer x"])
        #expect(answer.body == Array("Bearer x".utf8))
    }

    @Test func `nobody listening is told by the system's word`() throws {
        let directory = try Directory()
        #expect(throws: Client.Failure.self) { try Client.get("/", at: .socket(path: "\(directory.path)/none")) }
        let address: Sockets.Address
        do { address = Sockets.localAddress(try Sockets.listen(try #require(Sockets.Address("127.0.0.1:0")))) }
        do {
            _ = try Client.get("/", at: .address(address))
            Issue.record("answered")
        } catch {
            #expect("\(error)".hasSuffix("Connection refused"), "\(error)")
        }
    }

    @Test func `an answer without a length ends with the connection`() throws {
        let answer = try ask("HTTP/1.0 200 OK\r\nX-A:  b \r\n\r\nall of this").get()
        #expect(answer.body == Array("all of this".utf8))
        #expect(answer.headers["x-a"] == "b")
    }

    @Test func `an answer with a length ends there, though the connection stays`() throws {
        let answer = try ask("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", staysOpen: true).get()
        #expect(answer.status == 404)
        #expect(answer.body == Array("no".utf8))
        #expect(try ask("HTTP/1.1 204 No Content\r\n\r\n", staysOpen: true).get().body.isEmpty)
    }

    @Test(arguments: [
        "", "HTTP/1.1", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour",
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "\r\n\r\n",
    ])
    func `what is no whole answer is called so`(bytes: String) throws {
        guard case .failure(.malformed) = try ask(bytes) else {
            Issue.record("taken for an answer")
            return
        }
    }

    @Test func `an answer without bounds is given up`() throws {
        let result = try ask("HTTP/1.1 200 OK\r\nContent-Length: 67108865\r\n\r\n")
        guard case .failure(.tooLarge) = result else {
            Issue.record("\(result)")
            return
        }
        guard case .failure(.malformed) = try ask("HTTP/1.1 200 OK\r\nX: " + String(repeating: "a", count: 70_000))
        else {
            Issue.record("an endless head was awaited")
            return
        }
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1"])
    func `an answer that does not come is not waited for`(bytes: String) throws {
        let result = try ask(bytes, staysOpen: true, timeout: .milliseconds(100))
        guard case .failure(.timedOut) = result else {
            Issue.record("\(result)")
            return
        }
    }

    @Test(arguments: ["", "a", "/a b", "/a\r\nX: y", "/a#b"])
    func `a path that would change the request is not sent`(path: String) throws {
        guard
            case .malformed = #expect(
                throws: Client.Failure.self,
                performing: {
                    try Client.get(path, at: .socket(path: "/none"))
                })
        else {
            Issue.record("sent")
            return
        }
    }

    @Test(
        arguments: [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("http://[::1]:80/", "http://[::1]:80"),
            ("http://localhost:1", "http://127.0.0.1:1"), ("https://127.0.0.1:1", nil), ("127.0.0.1:1", nil),
            ("http://127.0.0.1", nil), ("http://example.org:80", nil), ("http://127.0.0.1:1/x", nil),
        ] as [(String, String?)])
    func `a place is a numeric address`(url: String, endpoint: String?) {
        #expect(Client.Endpoint(url: url)?.description == endpoint)
    }
}
