import Glibc
import HTTP
import Linux
import Testing

struct StaticFilesTests {
    private static func text(_ response: Response) -> String { String(decoding: response.body, as: UTF8.self) }

    @Test(arguments: [
        ("a.html", "text/html; charset=utf-8"), ("a.css", "text/css; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"), ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.json", "application/json"), ("a.svg", "image/svg+xml"), ("a.png", "image/png"), ("a.ico", "image/x-icon"),
        ("a.txt", "text/plain; charset=utf-8"), ("a.webmanifest", "application/manifest+json"),
        ("a.woff2", "font/woff2"), ("a.b.HTML", "text/html; charset=utf-8"), ("a.exe", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ])
    func `a file comes with its type and a tag`(name: String, type: String) throws {
        let directory = try Directory()
        try directory.write(name, "content")
        let response = StaticFiles(directory: directory.path).response(to: Request(path: "/\(name)"))
        #expect(response.status == .ok)
        #expect(response.headers["Content-Type"] == type)
        #expect(response.headers["Cache-Control"] == "no-cache")
        #expect(response.headers["ETag"] != nil)
        #expect(Self.text(response) == "content")
    }

    @Test func `the root is index html, and no directory is listed`() throws {
        let directory = try Directory()
        let files = StaticFiles(directory: directory.path)
        #expect(files.response(to: Request(path: "/")).status == .notFound)
        try directory.make("sub")
        try directory.write("index.html", "index")
        try directory.write("sub/index.html", "sub")
        #expect(Self.text(files.response(to: Request(path: "/"))) == "index")
        #expect(Self.text(files.response(to: Request(path: "/sub/index.html"))) == "sub")
        for path in ["/sub", "/sub/"] { #expect(files.response(to: Request(path: path)).status == .notFound) }
    }

    /// Paths as a handler would see them: decoded, and some that the parser would never let through.
    @Test(arguments: [
        "/../secret", "/..", "/.", "/./index.html", "/sub/../../secret", "//index.html", "//etc/passwd",
        "/sub//page.html",
        "/.hidden", "/sub/.hidden", "/.hidden/../index.html", "/link", "/linked/page.html", "/outside/secret", "/loop",
        "/index.html/", "/index.html/x", "/pipe", "/socket", "/%2e%2e/secret", "/index.html\0.png", "", "index.html",
    ])
    func `nothing but regular files below the directory is reached`(path: String) throws {
        let outer = try Directory()
        try outer.write("secret", "secret")
        try outer.make("web")
        try outer.make("web/sub")
        for name in ["web/index.html", "web/.hidden", "web/sub/.hidden", "web/sub/page.html"] {
            try outer.write(name, "in")
        }
        try outer.link("web/link", to: "index.html")
        try outer.link("web/linked", to: "sub")
        try outer.link("web/outside", to: "..")
        try outer.link("web/loop", to: "loop")
        try retrying("mkfifo") { mkfifo("\(outer.path)/web/pipe", 0o644) }
        let socket = try Sockets.listen(unix: "\(outer.path)/web/socket", mode: 0o600)
        let response = StaticFiles(directory: "\(outer.path)/web").response(to: Request(path: path))
        #expect(response.status == .notFound)
        #expect(!Self.text(response).contains("secret"))
        _ = socket.number
    }

    @Test func `the directory itself may be a link, and be replaced`() throws {
        let outer = try Directory()
        for version in ["1", "2"] {
            try outer.make(version)
            try outer.write("\(version)/index.html", "version \(version)")
        }
        try outer.link("web", to: "1")
        let files = StaticFiles(directory: "\(outer.path)/web")
        #expect(Self.text(files.response(to: Request(path: "/"))) == "version 1")
        try outer.link("new", to: "2")
        try retrying("rename") { rename("\(outer.path)/new", "\(outer.path)/web") }
        #expect(Self.text(files.response(to: Request(path: "/"))) == "version 2")
    }

    @Test func `a missing directory is an answer in words`() throws {
        let outer = try Directory()
        let response = StaticFiles(directory: "\(outer.path)/none").response(to: Request(path: "/"))
        #expect(response.status == .notFound)
        #expect(Self.text(response).contains("directory of web pages is missing"))
        #expect(!Self.text(response).contains(outer.path))
    }

    @Test func `a file too large is refused, the largest is served`() throws {
        let directory = try Directory()
        try directory.write("most", [UInt8](repeating: 1, count: StaticFiles.largestFile))
        try directory.write("more", [UInt8](repeating: 1, count: StaticFiles.largestFile + 1))
        let files = StaticFiles(directory: directory.path)
        #expect(files.response(to: Request(path: "/most")).body.count == StaticFiles.largestFile)
        #expect(files.response(to: Request(path: "/more")).status == .forbidden)
    }

    @Test func `a known tag is answered 304, and a change is seen`() throws {
        let directory = try Directory()
        try directory.write("a.txt", "one")
        let files = StaticFiles(directory: directory.path)
        let first = files.response(to: Request(path: "/a.txt"))
        let again = Request(path: "/a.txt", headers: ["If-None-Match": first.headers["ETag"] ?? ""])
        #expect(files.response(to: again).status == .notModified)
        // As long as before, and at once: only its content differs.
        try directory.write("a.txt", "two")
        #expect(Self.text(files.response(to: again)) == "two")
    }
}
