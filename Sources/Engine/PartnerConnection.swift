import EngineProtocol
import Glibc
import HubLink
import Linux
import RTPMIDI

extension Libcrypto.AES256GCM: EnvelopeCipher {}

/// A TCP connection with the partner: two draws in the clear, from which both sides make the keys of this connection and of
/// the datagrams beside it, then frames of two octets length and an envelope with a line of JSON, or a piece of one, behind an
/// octet that says whether it goes on. Whoever does not know the secret cannot write a frame; nothing of what comes before
/// the first good frame has any effect.
///
/// | octets | what each side sends first |
/// |---|---|
/// | 0–3 | `MHF` and the version, 1 |
/// | 4–19 | its draw for this connection |
/// | 20–35 | its draw for the datagrams |
final class PartnerConnection {
    typealias End = SealedEnd<Libcrypto.AES256GCM>
    enum Event {
        /// It is the partner: its first line.
        case hello(PartnerLine.Hello)
        case line(PartnerLine)
        case ended(Ending)
    }
    enum Ending {
        /// The other side has closed it; nobody listens there.
        case closed, refused
        case failed(String)
    }

    private static let magic: [UInt8] = [0x4D, 0x48, 0x46, 1]
    private static let greetingSize = 36
    /// What a piece of a line begins with; and how long a line may be: as long as an engine's plan, of which it has a part.
    private static let (goesOn, isLast): (UInt8, UInt8) = (1, 0)
    private static let longestLine = 4 << 20
    /// How long it may take until the first good frame.
    private static let patience = Duration.seconds(3)
    /// Frames that wait to be sent; a partner that reads nothing for so long is none.
    private static let mostWaiting = 8 << 20

    let isDialled: Bool
    private let loop: EventLoop
    private let socket: Descriptor
    private var registration: EventLoop.Registration?
    private var timer: EventLoop.TimerID?
    private let crypto: Libcrypto
    private let secret: String
    private let ownDraws: [UInt8]
    private let hello: PartnerLine.Hello
    private let onEvent: (PartnerConnection, Event) -> Void
    private var incoming: [UInt8] = []
    /// The pieces of a line that have come.
    private var line: [UInt8] = []
    private var outgoing: [UInt8] = []
    private var frames: End?
    /// For the datagrams, once the partner has shown that it knows the secret.
    private(set) var datagrams: End?
    private(set) var theirs: PartnerLine.Hello?
    private let content = UnsafeMutableRawBufferPointer.allocate(byteCount: Envelope.longestContent, alignment: 8)
    private var isOver = false
    /// The other side's address.
    let host: String

    init(
        _ socket: consuming Descriptor, host: String, isDialled: Bool, crypto: Libcrypto, secret: String,
        hello: PartnerLine.Hello, loop: EventLoop, onEvent: @escaping (PartnerConnection, Event) -> Void
    ) throws(Errno) {
        self.socket = socket
        (self.host, self.isDialled) = (host, isDialled)
        (self.crypto, self.secret, self.hello, self.loop, self.onEvent) = (crypto, secret, hello, loop, onEvent)
        ownDraws = (0..<2 * LinkKeys.drawSize).map { _ in .random(in: 0...255) }
        Sockets.noDelay(self.socket)
        Sockets.keepAlive(self.socket, idle: 5, patience: 15)
        outgoing = Self.magic + ownDraws
        registration = try loop.watch(self.socket.number, [.read, .write]) { [unowned self] _ in
            read()
            if !isOver { write() }
        }
        timer = loop.after(Self.patience) { [unowned self] in end(.failed("it did not say who it is")) }
    }

    deinit { content.deallocate() }

    func send(_ line: PartnerLine) {
        guard !isOver else { return }
        frame(line.bytes)
        write()
    }

    func close() { end(nil) }

    /// The address that the partner sees.
    /// Whether the other side has acknowledged all that was sent. After a cable was out TCP waits with what was lost meanwhile,
    /// and with all that comes behind it.
    var hasArrived: Bool { outgoing.isEmpty && Sockets.unacknowledged(socket) == 0 }
    var ownAddress: SocketAddress? { SocketAddress(host: Sockets.localAddress(socket).host, port: 0) }

    // MARK: Inside

    /// `ending`: what is told; nil where it is we who end it.
    private func end(_ ending: Ending?) {
        guard !isOver else { return }
        isOver = true
        if let registration { loop.unwatch(registration) }
        if let timer { loop.cancel(timer) }
        _ = shutdown(socket.number, CInt(SHUT_RDWR))
        if let ending { onEvent(self, .ended(ending)) }
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: 16384)
        while !isOver {
            let result: Descriptor.Transfer
            do {
                result = try buffer.withUnsafeMutableBytes { raw throws(Errno) in try socket.read(into: raw) }
            } catch { return failed(error) }
            switch result {
            case .again: return
            case .end: return end(.closed)
            case .bytes(let count):
                incoming += buffer[..<count]
                understand()
            }
        }
    }

    /// A process that was killed leaves a reset behind where it had not read everything.
    private func failed(_ error: any Error) {
        switch (error as? Errno)?.code {
        case EPIPE, ECONNRESET: end(.closed)
        case ECONNREFUSED: end(.refused)
        default: end(.failed("\(error)"))
        }
    }

    private func understand() {
        if frames == nil {
            guard incoming.count >= Self.greetingSize else { return }
            guard incoming.starts(with: Self.magic) else { return end(.failed("it is no hub of this version")) }
            let draws = Array(incoming[Self.magic.count..<Self.greetingSize])
            incoming.removeFirst(Self.greetingSize)
            guard makeKeys(draws) else { return end(.failed("libcrypto refuses")) }
            var line = PartnerLine(.hello)
            line.hello = hello
            frame(line.bytes)
        }
        while !isOver, incoming.count >= 2 {
            let size = Int(incoming[0]) << 8 | Int(incoming[1])
            guard size <= Envelope.longest else { return end(.failed("a frame that is too long")) }
            guard incoming.count >= 2 + size else { return }
            let datagram = Array(incoming[2..<2 + size])
            incoming.removeFirst(2 + size)
            var content: [UInt8] = []
            do throws(Envelope.Refusal) {
                try frames?.open(datagram.span.bytes) { bytes in
                    content = (0..<bytes.byteCount).map { bytes.uint8(at: $0) }
                }
            } catch {
                return end(.failed(error == .otherKey ? "it has another secret" : "a frame that is not the partner's"))
            }
            line += content.dropFirst()
            guard line.count <= Self.longestLine else { return end(.failed("a line that is too long")) }
            guard content.first == Self.isLast else { continue }
            defer { line = [] }
            // A newer partner may say what is not known here.
            guard let line = PartnerLine(line) else { continue }
            guard theirs == nil else {
                onEvent(self, .line(line))
                continue
            }
            guard let hello = line.hello else { return end(.failed("it did not say who it is")) }
            theirs = hello
            if let timer { loop.cancel(timer) }
            onEvent(self, .hello(hello))
        }
    }

    private func makeKeys(_ draws: [UInt8]) -> Bool {
        func make(_ range: Range<Int>) -> End? {
            let (asking, asked) = isDialled ? (ownDraws, draws) : (draws, ownDraws)
            guard
                let keys = LinkKeys(
                    secret: secret, asking: Array(asking[range]), asked: Array(asked[range]),
                    derive: { crypto.hkdf(secret: $0, salt: $1, purpose: $2, count: $3) }),
                let one = try? Libcrypto.AES256GCM(crypto, key: isDialled ? keys.fromAsking : keys.fromAsked)
            else { return nil }
            guard let other = try? Libcrypto.AES256GCM(crypto, key: isDialled ? keys.fromAsked : keys.fromAsking)
            else { return nil }
            return End(
                key: keys.number, sends: isDialled ? .fromAsking : .fromAsked, sending: one, opening: other)
        }
        frames = make(0..<LinkKeys.drawSize)
        datagrams = make(LinkKeys.drawSize..<2 * LinkKeys.drawSize)
        return frames != nil && datagrams != nil
    }

    private func frame(_ content: [UInt8]) {
        var rest = content[...]
        repeat {
            let piece = rest.prefix(Envelope.longestContent - 1)
            rest = rest.dropFirst(piece.count)
            seal([rest.isEmpty ? Self.isLast : Self.goesOn] + piece)
        } while !rest.isEmpty
    }

    private func seal(_ content: [UInt8]) {
        let datagram = [UInt8](unsafeUninitializedCapacity: Envelope.longest) { buffer, count in
            var out = OutputRawSpan(buffer: UnsafeMutableRawBufferPointer(buffer), initializedCount: 0)
            _ = frames?.seal(into: &out) { out in for octet in content { out.write(octet) } }
            count = out.finalize(for: UnsafeMutableRawBufferPointer(buffer))
        }
        outgoing += [UInt8(datagram.count >> 8), UInt8(datagram.count & 0xFF)] + datagram
    }

    private func write() {
        while !outgoing.isEmpty {
            let result: Descriptor.Transfer
            do {
                result = try outgoing.withUnsafeBytes { raw throws(Errno) in try socket.write(raw, socket: true) }
            } catch { return failed(error) }
            guard case .bytes(let count) = result else { break }
            outgoing.removeFirst(count)
        }
        if outgoing.count > Self.mostWaiting { return end(.failed("it reads nothing")) }
        if let registration { loop.change(registration, to: outgoing.isEmpty ? .read : [.read, .write]) }
    }
}

extension PartnerConnection {
    /// Seals what `write` writes as a datagram; false before the partner is known.
    func seal(into out: inout OutputRawSpan, _ write: (inout OutputRawSpan) -> Void) -> Bool {
        datagrams?.seal(into: &out, write) ?? false
    }

    /// Hands out what a datagram of the partner holds; the answer to it may be sealed meanwhile.
    func open(_ datagram: RawSpan, _ body: (RawSpan) -> Void) {
        var count = 0
        try? datagrams?.open(datagram) { bytes in
            count = bytes.byteCount
            bytes.withUnsafeBytes { content.copyMemory(from: $0) }
        }
        if count > 0 { body(UnsafeRawBufferPointer(rebasing: content[..<count]).bytes) }
    }
}
