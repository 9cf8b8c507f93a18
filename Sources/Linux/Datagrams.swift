import CLinux
import Glibc

/// A UDP socket with room for many datagrams a system call (recvmmsg(2), sendmmsg(2)), laid out once: sending and
/// receiving touch no allocator. A source knows to which of our addresses its datagram came, and what is sent to it leaves
/// from there: peers take no answer from another address than the one they asked. One thread owns it.
package final class DatagramSocket {
    /// More than any datagram that RTP-MIDI peers send; a longer one is cut by the kernel and dropped.
    package static let datagramSize = 2048
    /// The longest that is sent: what every network carries whole.
    package static let longestSent = 1400
    package static let batchSize = 64

    package let number: CInt
    private let descriptor: Descriptor
    private let family: CInt
    /// Made at the first use of each direction.
    private let incoming = Batch()
    private let outgoing = Batch()
    private var waiting = 0
    /// Something is queued that no `flush` has sent yet.
    package var isWaiting: Bool { waiting > 0 }
    /// Where nothing but to these goes (their ports do not count), all else is dropped: while the cable is pulled the kernel
    /// would keep some hundred datagrams for each address, and send them when it is plugged in.
    package var onlyTo: Set<SocketAddress>?
    /// Datagrams that the kernel did not take: its buffers were full, or there is no way to the address.
    package private(set) var unsent: UInt64 = 0
    package private(set) var sent: UInt64 = 0

    /// Binds to a port on every address of both families, or of IPv4 alone where the machine has no IPv6; to one
    /// address where `host` is given. Port 0 lets the system choose.
    package init(port: UInt16, host: String? = nil) throws(Errno) {
        let thing = "UDP port \(port)"
        var family = AF_INET6
        var address = SocketAddress(high: 0, low: 0, port: port)
        if let host {
            guard let one = SocketAddress(host: host, port: port) else {
                throw Errno(code: EINVAL, call: "bind", thing: host)
            }
            address = one
            if one.isIPv4 { family = AF_INET }
        }
        let flags = CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue) | CInt(SOCK_NONBLOCK.rawValue)
        var opened = socket(family, flags, 0)
        if opened == -1, host == nil, midihub_errno() == EAFNOSUPPORT {
            family = AF_INET
            address = SocketAddress(host: "0.0.0.0", port: port)!  // a numeric address
            opened = socket(family, flags, 0)
        }
        let made = opened
        descriptor = try Descriptor("socket", thing) { made }
        number = made
        self.family = family
        if family == AF_INET6 { Sockets.set(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, host == nil ? 0 : 1) }
        Sockets.set(descriptor, SOL_SOCKET, SO_RCVBUF, 1 << 20)
        Sockets.set(descriptor, SOL_SOCKET, SO_SNDBUF, 1 << 20)
        // Ahead of the bulk on the first hop (RFC 4594: low-latency data); a router may ignore it.
        if family == AF_INET6 { Sockets.set(descriptor, CInt(IPPROTO_IPV6), IPV6_TCLASS, 0xB8) }
        Sockets.set(descriptor, CInt(IPPROTO_IP), IP_TOS, 0xB8)
        // Bound to one address it sends from that one without being told.
        if address.high == 0, UInt32(truncatingIfNeeded: address.low) == 0 { _ = midihub_want_local(made, family) }
        var storage = [UInt8](repeating: 0, count: SocketAddress.storageSize)
        try retrying("bind", thing) {
            storage.withUnsafeMutableBytes { raw in
                let length = address.store(to: raw.baseAddress!, family: family)  // not empty
                return bind(made, raw.baseAddress!.assumingMemoryBound(to: sockaddr.self), length)
            }
        }
    }

    package var port: UInt16 { Sockets.localAddress(descriptor).port }

    // MARK: Receiving

    /// Hands each waiting datagram, at most `most` and at most `batchSize`, to `body`. Returns how many there were.
    package func receive(atMost most: Int = batchSize, _ body: (RawSpan, SocketAddress) -> Void) -> Int {
        let most = min(max(1, most), Self.batchSize)
        incoming.prepareToReceive(most)
        let count = midihub_recvmmsg(number, incoming.messages, UInt32(most), CInt(MSG_DONTWAIT), nil)
        // The error may also be of a datagram sent before (ECONNREFUSED), which is of no use here.
        guard count > 0 else { return 0 }
        for index in 0..<Int(count) {
            let message = incoming.messages[index]
            guard message.header.msg_flags & CInt(MSG_TRUNC) == 0,
                var source = SocketAddress(UnsafeRawPointer(message.header.msg_name))
            else { continue }
            source.local = incoming.local(index)
            let bytes = UnsafeRawBufferPointer(start: incoming.slot(index), count: Int(message.length))
            body(bytes.bytes, source)
        }
        return Int(count)
    }

    // MARK: Sending

    /// Writes one datagram into the batch; it leaves with `flush`, or when the batch is full. What `write` leaves empty
    /// is not sent.
    package func queue(to address: SocketAddress, _ write: (inout OutputRawSpan) -> Void) {
        if waiting == Self.batchSize { flush() }
        let slot = UnsafeMutableRawBufferPointer(start: outgoing.slot(waiting), count: Self.longestSent)
        var span = OutputRawSpan(buffer: slot, initializedCount: 0)
        write(&span)
        let length = span.finalize(for: slot)
        guard length > 0 else { return }
        if let onlyTo, !address.isLoopback, !onlyTo.contains(address.with(port: 0)) {
            unsent += 1
            return
        }
        outgoing.addressSend(waiting, length: length, to: address, family: family)
        waiting += 1
    }

    /// Lets what is queued go unsent.
    package func drop() {
        unsent += UInt64(waiting)
        waiting = 0
    }

    /// Sends what is queued. What the kernel has no room for is dropped and counted: old MIDI is of no use, and the
    /// journal repairs.
    package func flush() {
        guard waiting > 0 else { return }
        var done = 0
        while done < waiting {
            let count = midihub_sendmmsg(
                number, outgoing.messages + done, UInt32(waiting - done), CInt(MSG_DONTWAIT))
            if count > 0 {
                done += Int(count)
                sent += UInt64(count)
            } else if midihub_errno() != EINTR {
                // The first of the rest cannot be sent; the others may be. Its source may be an address that this
                // machine has no more: then it is tried once without one.
                if midihub_errno() != EAGAIN, midihub_errno() != ENOBUFS, outgoing.forgetLocal(done) { continue }
                unsent += 1
                done += 1
            }
        }
        waiting = 0
    }
}

/// Headers, vectors, addresses and slots of one direction.
private final class Batch {
    let messages: UnsafeMutablePointer<midihub_mmsghdr>
    private let vectors: UnsafeMutablePointer<iovec>
    private let addresses: UnsafeMutableRawPointer
    private let controls: UnsafeMutableRawPointer
    private let bytes: UnsafeMutableRawPointer
    private static let addressStride = 32
    private static let controlSize = midihub_control_size

    init() {
        let count = DatagramSocket.batchSize
        messages = .allocate(capacity: count)
        vectors = .allocate(capacity: count)
        addresses = .allocate(byteCount: count * Self.addressStride, alignment: 16)
        controls = .allocate(byteCount: count * Self.controlSize, alignment: 16)
        controls.initializeMemory(as: UInt8.self, repeating: 0, count: count * Self.controlSize)
        bytes = .allocate(byteCount: count * DatagramSocket.datagramSize, alignment: 64)
        for index in 0..<count {
            vectors[index] = iovec(iov_base: slot(index), iov_len: DatagramSocket.datagramSize)
            var message = midihub_mmsghdr()
            message.header.msg_iov = vectors + index
            message.header.msg_iovlen = 1
            message.header.msg_name = addresses + index * Self.addressStride
            message.header.msg_control = controls + index * Self.controlSize
            messages[index] = message
        }
    }

    deinit {
        messages.deallocate()
        vectors.deallocate()
        addresses.deallocate()
        controls.deallocate()
        bytes.deallocate()
    }

    func slot(_ index: Int) -> UnsafeMutableRawPointer { bytes + index * DatagramSocket.datagramSize }

    func prepareToReceive(_ count: Int) {
        for index in 0..<count {
            messages[index].header.msg_namelen = socklen_t(SocketAddress.storageSize)
            messages[index].header.msg_controllen = Self.controlSize
        }
    }

    /// To which of our addresses a received datagram came.
    func local(_ index: Int) -> SocketAddress.Local {
        var raw = midihub_local()
        return midihub_get_local(&messages[index].header, &raw) == 1 ? .init(raw) : .init()
    }

    /// Leaves the choice of our address to the kernel; false where it was left to it before.
    func forgetLocal(_ index: Int) -> Bool {
        defer { messages[index].header.msg_controllen = 0 }
        return messages[index].header.msg_controllen > 0
    }

    func addressSend(_ index: Int, length: Int, to address: SocketAddress, family: CInt) {
        vectors[index].iov_len = length
        messages[index].header.msg_namelen = address.store(
            to: addresses + index * Self.addressStride, family: family)
        messages[index].header.msg_controllen = 0
        guard address.local.isChosen else { return }
        var raw = address.local.raw
        midihub_set_local(&messages[index].header, &raw, family)
    }
}
