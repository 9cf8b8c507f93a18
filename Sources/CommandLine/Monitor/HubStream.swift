import Glibc
import HTTP
import Hub
import Linux

/// The stream of a hub here or elsewhere, for as long as it is wanted: when it ends, it is asked for again.
final class HubStream {
    enum News {
        case up
        case message(EventStreamParser.Message)
        /// It is tried again by itself.
        case lost(String)
    }
    var onNews: (News) -> Void = { _ in }

    private let endpoint: HubClient.Endpoint
    private let path: String
    private let loop: EventLoop
    private let socket: Source
    private var registration: EventLoop.Registration?
    private var parser = EventStreamParser()
    /// The head of the answer, until it is complete; curl gives none.
    private var head: AnswerHead?
    private var isUp = false
    private var heardAt = ContinuousClock.now
    private var isEnding = false

    /// The hub sends something every 15 s.
    private static let timeout: Duration = .seconds(40)
    private static let pause: Duration = .seconds(1)

    /// What is read: a connection, or the output of a child.
    private final class Source {
        var connection: Descriptor?
        var child: ChildProgram.Piped?
        var number: CInt {
            if let number = connection?.number { return number }
            return child?.output.number ?? -1
        }
        func read(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Descriptor.Transfer {
            if let result = try connection?.read(into: buffer) { return result }
            return try child?.output.read(into: buffer) ?? .end
        }
        /// How the child ended.
        func close() -> ChildExit? {
            connection = nil
            guard let child = child.take() else { return nil }
            return child.kill()
        }
    }

    init(_ endpoint: HubClient.Endpoint, path: String, loop: EventLoop) {
        (self.endpoint, self.path, self.loop, socket) = (endpoint, path, loop, Source())
    }

    func start() {
        open()
        loop.every(.seconds(1)) { [weak self] in
            guard let self, registration != nil, heardAt.duration(to: .now) > Self.timeout else { return }
            lose("nothing came for \(Self.timeout)")
        }
    }

    func end() {
        isEnding = true
        close()
    }

    private func open() {
        guard !isEnding else { return }
        (parser, isUp, heardAt) = (EventStreamParser(), false, .now)
        do throws(Errno) {
            switch endpoint {
            case .here(let state):
                head = AnswerHead()
                let connection = try Sockets.connect(unix: state.socket, nonBlocking: true)
                try connection.writeAll(Array("GET \(path) HTTP/1.0\r\nHost: localhost\r\n\r\n".utf8), socket: true)
                socket.connection = consume connection
            case .away(let url):
                head = nil
                guard let curl = Curl.path else { return lose(Curl.missing) }
                var request = Curl(url: url.description + path)
                request.seconds = nil
                socket.child = try request.stream(curl: curl)
            }
            registration = try loop.watch(socket.number, .read) { [unowned self] _ in read() }
        } catch {
            lose(error.reason)
        }
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: 65536)
        var result = Result<Descriptor.Transfer, Errno>.success(.end)
        buffer.withUnsafeMutableBytes { raw in
            do throws(Errno) { result = .success(try socket.read(into: raw)) } catch { result = .failure(error) }
        }
        switch result {
        case .success(.again): return
        case .success(.bytes(let count)):
            heardAt = .now
            receive(buffer[..<count])
        case .success(.end): lose("it has ended")
        case .failure(let error): lose(error.reason)
        }
    }

    private func receive(_ bytes: ArraySlice<UInt8>) {
        var bytes = bytes
        if head != nil {
            do throws(AnswerHead.Malformed) {
                guard let rest = try head?.receive(bytes) else { return }
                bytes = rest
            } catch { return lose("what answers is no MIDI Hub") }
            let status = head?.status ?? 0
            guard status == 200 else { return lose("the hub answers \(status)") }
            head = nil
        }
        if !isUp {
            isUp = true
            onNews(.up)
        }
        parser.receive(bytes) { onNews(.message($0)) }
        if parser.isBroken { lose("what answers is no MIDI Hub") }
    }

    private func lose(_ reason: String) {
        let exit = close()
        if isEnding { return }
        // curl's exit code gives a better reason than the end of its output does.
        onNews(.lost(exit.map { $0 == .code(0) || $0 == .signal(9) ? reason : Curl.text(for: $0) } ?? reason))
        loop.after(Self.pause) { [weak self] in self?.open() }
    }

    @discardableResult
    private func close() -> ChildExit? {
        if let registration { loop.unwatch(registration) }
        registration = nil
        return socket.close()
    }
}
