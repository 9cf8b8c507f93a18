import Glibc
import Linux

/// The files of one directory, read when asked for and kept in memory until they change on disk.
///
/// A path leads to a regular file below the directory or to nothing: each component is opened under the one before, never
/// through a symbolic link (openat(2), O_NOFOLLOW), and none may begin with a dot. The directory itself may be a link, and
/// is opened anew for each request, so that it may be replaced by another.
package struct StaticFiles: Sendable {
    /// Larger files are not served.
    package static let largestFile = 4 * 1024 * 1024

    private let directory: String
    private let pages: [String: String]
    private let cache: FileCache

    /// `cacheBytes` bounds what all files kept in memory take.
    /// `pages`: paths that stand for a file of another name.
    package init(
        directory: String, pages: [String: String] = ["/": "index.html"], cacheBytes: Int = 16 * 1024 * 1024
    ) {
        (self.directory, self.pages) = (directory, pages)
        cache = FileCache(capacity: cacheBytes)
    }

    /// What the files kept in memory take now.
    package var cachedBytes: Int { cache.byteCount }

    /// The file at the request's path, 304 if the peer has it, or a problem in words.
    package func response(to request: Request) -> Response {
        do throws(Errno) {
            guard let names = components(request.path) else { return .problem(.notFound, Self.nothing, for: request) }
            let root = try Self.open(AT_FDCWD, directory, O_DIRECTORY)
            return try response(to: request, names[...], under: root)
        } catch {
            return problem(error, for: request)
        }
    }

    private func response(
        to request: Request, _ names: ArraySlice<String>, under directory: borrowing Descriptor
    ) throws(Errno) -> Response {
        guard let name = names.first else { return .problem(.notFound, Self.nothing, for: request) }
        guard names.count == 1 else {
            let next = try Self.open(directory.number, name, O_DIRECTORY | O_NOFOLLOW)
            return try response(to: request, names.dropFirst(), under: next)
        }
        // Without O_NONBLOCK, opening a FIFO would wait for a writer.
        let file = try Self.open(directory.number, name, O_NOFOLLOW | O_NONBLOCK)
        guard let identity = try FileIdentity(of: file) else { return .problem(.notFound, Self.nothing, for: request) }
        guard identity.size <= Self.largestFile else {
            return .problem(.forbidden, "This file is larger than the server serves.")
        }
        let content = try cache.content(at: request.path, identity, file)
        return Response(
            .ok, headers: ["Content-Type": Self.type(of: name), "Cache-Control": "no-cache"], body: content.bytes
        ).conditional(on: request, tag: content.tag)
    }

    /// The path's components, or nil where one of them can name no file of ours.
    private func components(_ path: String) -> [String]? {
        if let page = pages[path] { return [page] }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        for word in parts where word.isEmpty || word.hasPrefix(".") || word.utf8.contains(0) { return nil }
        return parts.map(String.init)
    }

    private static func open(_ directory: CInt, _ name: String, _ flags: CInt) throws(Errno) -> Descriptor {
        try Descriptor("openat", name) { openat(directory, name, O_RDONLY | O_CLOEXEC | flags) }
    }

    static let nothing = "There is nothing at this path."

    private func problem(_ error: Errno, for request: Request) -> Response {
        switch error.code {
        case ENOENT where access(directory, F_OK) != 0:
            .problem(.notFound, "The directory of web pages is missing on this server.", for: request)
        // A link (ELOOP), a file where a directory should be, a socket (ENXIO), a name too long for any file.
        case ENOENT, ELOOP, ENOTDIR, ENXIO, ENAMETOOLONG: .problem(.notFound, Self.nothing, for: request)
        case EACCES, EPERM: .problem(.forbidden, "The server may not read this file.")
        default: .problem(.internalError, "The file could not be read: \(error.reason).")
        }
    }

    private static func type(of name: String) -> String {
        guard let dot = name.lastIndex(of: ".") else { return "application/octet-stream" }
        return switch name[name.index(after: dot)...].lowercased() {
        case "html": "text/html; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "js", "mjs": "text/javascript; charset=utf-8"
        case "json": "application/json"
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "ico": "image/x-icon"
        case "txt": "text/plain; charset=utf-8"
        case "webmanifest": "application/manifest+json"
        case "woff2": "font/woff2"
        default: "application/octet-stream"
        }
    }
}
