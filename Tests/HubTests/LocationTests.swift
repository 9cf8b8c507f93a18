import Glibc
import HTTP
import Hub
import Linux
import TestSupport
import Testing

/// The three clouds' metadata services, played by a server of ours on loopback.
@Suite struct LocationTests {
    private func serving(_ fill: (inout Router) -> Void, _ body: (String) throws -> Void) throws {
        var router = Router()
        fill(&router)
        let socket = try Sockets.listen(.init(host: "127.0.0.1", port: 0))
        let address = Sockets.localAddress(socket)
        let server = try Server(router: router, listeners: [.tcp(socket)])
        try server.start()
        defer { server.stop() }
        try body("http://\(address)")
    }

    @Test func `EC2 wants a token first`() throws {
        try serving {
            $0.on(.put, "/latest/api/token") { request, _, responder in
                let wanted = request.headers["X-aws-ec2-metadata-token-ttl-seconds"] != nil
                responder.send(wanted ? .text("secret") : .problem(.badRequest, "no time to live"))
            }
            $0.on(.get, "/latest/meta-data/placement/availability-zone") { request, _, responder in
                let knows = request.headers["X-aws-ec2-metadata-token"] == "secret"
                responder.send(knows ? .text("eu-central-1a") : .problem(.unauthorized, "no token"))
            }
        } _: {
            #expect(Location.ask($0) == "eu-central-1a")
        }
    }

    @Test func `GCE wants its flavour and answers with a path`() throws {
        try serving {
            $0.on(.get, "/computeMetadata/v1/instance/zone") { request, _, responder in
                let knows = request.headers["Metadata-Flavor"] == "Google"
                responder.send(knows ? .text("projects/123/zones/europe-west3-b") : .problem(.forbidden, "no flavour"))
            }
        } _: {
            #expect(Location.ask($0) == "europe-west3-b")
        }
    }

    @Test func `Azure wants its header`() throws {
        try serving {
            $0.on(.get, "/metadata/instance/compute/location") { request, _, responder in
                let knows = request.headers["Metadata"] == "true" && request.query["format"] == "text"
                responder.send(knows ? .text("germanywestcentral") : .problem(.badRequest, "no header"))
            }
        } _: {
            #expect(Location.ask($0) == "germanywestcentral")
        }
    }

    @Test func `where no cloud answers there is no place`() throws {
        try serving { _ in
        } _: {
            #expect(Location.ask($0) == nil)
        }
        #expect(Location.ask("http://127.0.0.1:1") == nil)
    }

    @Test func `one that hangs is not waited for long, and an answer that is no place is none`() throws {
        let silent = try Sockets.listen(.init(host: "127.0.0.1", port: 0))
        let began = ContinuousClock.now
        #expect(Location.ask("http://\(Sockets.localAddress(silent))") == nil)
        #expect(began.duration(to: .now) < .seconds(10), "far more than its limit of a second")
        try serving {
            $0.on(.get, "/computeMetadata/v1/instance/zone") { _, _, responder in
                responder.send(.text("<script>\nrm -rf"))
            }
        } _: {
            #expect(Location.ask($0) == nil)
        }
    }

    @Test func `when its time is up it leaves no child behind, also none that ignores its own limit`() throws {
        let directory = TemporaryDirectory()
        let silent = try Sockets.listen(.init(host: "127.0.0.1", port: 0))
        let base = "http://\(Sockets.localAddress(silent))"
        let mark = directory.write("mark", "")
        // It says something of its own, asks the server, then stays for as long as it likes.
        let curl = try #require(Programs.find("curl"))
        let stubborn = directory.write(
            "curl", "#!/bin/sh\necho word >&2\n\(curl) -m 600 \"\(base)/\" &\nexec tail -f \"\(mark)\"\n")
        chmod(stubborn, 0o755)
        for program in [curl, stubborn] {
            #expect(Location.ask(base, curl: program) == nil)
            let text = [
                ["location", program, base], ["\(base)/"], ["-f", mark], ["\(base)/latest/api/token"],
                ["\(base)/computeMetadata/v1/instance/zone"],
                ["\(base)/metadata/instance/compute/location?api-version=2021-02-01&format=text"],
            ]
            // It was killed, but the kernel may not have taken all of it down yet.
            try eventually("none of them runs") { text.flatMap(ProcessIdentity.withArguments).isEmpty }
            // None of them is connected any more.
            var connections = 0
            while let connection = try Sockets.accept(silent)?.intoSocket() {
                connections += 1
                try eventually("the other end is closed") {
                    var buffer = [UInt8](repeating: 0, count: 4096)
                    return try buffer.withUnsafeMutableBytes { try connection.read(into: $0) } == .end
                }
            }
            #expect(connections > 0)
        }
    }
}
