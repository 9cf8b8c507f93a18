import CALSA
import Glibc

/// Where MIDI enters or leaves in the ALSA sequencer: a client's port.
package struct SequencerAddress: Hashable, Sendable, CustomStringConvertible {
    package let client: Int
    package let port: Int
    package init(client: Int, port: Int) {
        self.client = client
        self.port = port
    }
    /// The kernel's own port that tells of clients, ports and subscriptions coming and going.
    package static let announce = SequencerAddress(client: 0, port: 1)
    package var description: String { "\(client):\(port)" }
}

package struct SequencerError: Error, CustomStringConvertible {
    package let description: String
    init(_ call: String, _ code: CInt) { description = "\(call): \(String(cString: snd_strerror(code)))" }
    init(_ text: String) { description = text }
}

/// Whether this machine has a sequencer that opens; tests that need one run in the virtual machine where there is none.
package let sequencerIsThere = access("/dev/snd/seq", R_OK | W_OK) == 0

/// One client of the real ALSA sequencer, for tests: the double's and that of the simulated music program behind a real
/// participant. Not Sendable: the thread that opens it uses it. The kernel records the opening thread as the client's
/// process, so open it on the main thread where the process must be recognised by it.
package final class SequencerClient {
    package enum Event: Equatable {
        /// `source` is who tells: System Announce, or System Timer's neighbour for one's own ports.
        case subscribed(source: SequencerAddress, sender: SequencerAddress, destination: SequencerAddress)
        case unsubscribed(sender: SequencerAddress, destination: SequencerAddress)
        case portStarted(SequencerAddress)
        case portExited(SequencerAddress)
        /// Channel and system messages of the types that rtpmidid passes on, as MIDI 1.0 bytes with full status.
        case midi(port: Int, bytes: [UInt8])
        /// Any other event type, by ALSA's number.
        case other(type: Int)
    }
    /// A port as `ports()` lists it. Names are bytes: the kernel cuts them anywhere.
    package struct Port: Equatable {
        package let address: SequencerAddress
        package let clientName: [UInt8]
        package let name: [UInt8]
    }

    private let sequencer: OpaquePointer
    private let coder: OpaquePointer
    package let client: Int

    /// Opens without blocking, with the largest event pools. The name is cut by the kernel at 63 bytes.
    package init(name: [UInt8]) throws {
        // alsa-lib writes to standard error when the device is missing; asking first keeps that clean.
        guard access("/dev/snd/seq", R_OK | W_OK) == 0 else { throw SequencerError("/dev/snd/seq cannot be opened") }
        var handle: OpaquePointer?
        let code = snd_seq_open(&handle, "default", SND_SEQ_OPEN_DUPLEX, SND_SEQ_NONBLOCK)
        guard code >= 0, let handle else { throw SequencerError("snd_seq_open", code) }
        var coder: OpaquePointer?
        guard snd_midi_event_new(65536, &coder) >= 0, let coder else {
            snd_seq_close(handle)
            throw SequencerError("snd_midi_event_new failed")
        }
        snd_midi_event_no_status(coder, 1)
        sequencer = handle
        self.coder = coder
        client = Int(snd_seq_client_id(handle))
        withCString(name) { _ = snd_seq_set_client_name(handle, $0) }
        snd_seq_set_client_pool_input(handle, 2000)
        snd_seq_set_client_pool_output(handle, 2000)
        snd_seq_set_input_buffer_size(handle, 65536)
        snd_seq_set_output_buffer_size(handle, 65536)
    }

    deinit {
        snd_midi_event_free(coder)
        snd_seq_close(sequencer)
    }

    /// Readable when an event waits.
    package var descriptor: CInt {
        var entry = pollfd()
        snd_seq_poll_descriptors(sequencer, &entry, 1, Int16(POLLIN))
        return entry.fd
    }

    /// Makes a port that can be read, written and subscribed to; the kernel takes the lowest free number.
    /// Returns the negative error as it is, as rtpmidid itself does not look at it (254 ports is the limit).
    package func createPort(_ name: [UInt8], exported: Bool = true) -> Int {
        var capabilities =
            SND_SEQ_PORT_CAP_READ | SND_SEQ_PORT_CAP_WRITE | SND_SEQ_PORT_CAP_SUBS_READ | SND_SEQ_PORT_CAP_SUBS_WRITE
        if !exported { capabilities |= SND_SEQ_PORT_CAP_NO_EXPORT }
        return withCString(name) {
            Int(snd_seq_create_simple_port(sequencer, $0, UInt32(capabilities), UInt32(SND_SEQ_PORT_TYPE_MIDI_GENERIC)))
        }
    }

    /// Refuses from now on whatever is no note: the kernel tells its senders.
    package func refuseAllButNotes() {
        for type in [SND_SEQ_EVENT_NOTEON, SND_SEQ_EVENT_NOTEOFF, SND_SEQ_EVENT_KEYPRESS] {
            snd_seq_set_client_event_filter(sequencer, CInt(type.rawValue))
        }
    }

    package func deletePort(_ port: Int) { snd_seq_delete_port(sequencer, CInt(port)) }

    /// Subscribes `to` to `from`: this client's ports or those of others, as `aconnect` does.
    package func connect(_ from: SequencerAddress, to: SequencerAddress) throws {
        try subscription(from, to, "connect", snd_seq_subscribe_port)
    }

    package func disconnect(_ from: SequencerAddress, from to: SequencerAddress) throws {
        try subscription(from, to, "disconnect", snd_seq_unsubscribe_port)
    }

    private func subscription(
        _ from: SequencerAddress, _ to: SequencerAddress, _ call: String,
        _ body: (OpaquePointer?, OpaquePointer?) -> CInt
    ) throws {
        var subscription: OpaquePointer?
        snd_seq_port_subscribe_malloc(&subscription)
        defer { snd_seq_port_subscribe_free(subscription) }
        var sender = snd_seq_addr_t(client: UInt8(from.client), port: UInt8(from.port))
        var destination = snd_seq_addr_t(client: UInt8(to.client), port: UInt8(to.port))
        snd_seq_port_subscribe_set_sender(subscription, &sender)
        snd_seq_port_subscribe_set_dest(subscription, &destination)
        let code = body(sequencer, subscription)
        guard code >= 0 else { throw SequencerError("\(call) \(from) to \(to)", code) }
    }

    /// Sends MIDI bytes out of a port to whoever subscribes to it; returns when the kernel has delivered them.
    package func send(_ bytes: [UInt8], from port: Int) throws {
        try forEachEvent(of: bytes, from: port) { event in
            var code = snd_seq_event_output_direct(sequencer, &event)
            // A receiver's full pool: wait until this client may write again, rather than lose the event.
            while code == -EAGAIN {
                var entry = pollfd()
                snd_seq_poll_descriptors(sequencer, &entry, 1, Int16(POLLOUT))
                poll(&entry, 1, 1000)
                code = snd_seq_event_output_direct(sequencer, &event)
            }
            guard code >= 0 else { throw SequencerError("send", code) }
        }
    }

    /// Sends them as rtpmidid does: where a single one of the subscribers cannot take an event, the error is told, and what
    /// waits to be read by this client is thrown away.
    package func sendOrDrop(_ bytes: [UInt8], from port: Int, failed: (String) -> Void) throws {
        try forEachEvent(of: bytes, from: port) { event in
            let code = snd_seq_event_output_direct(sequencer, &event)
            guard code < 0 else { return }
            failed(String(cString: snd_strerror(code)))
            snd_seq_drop_input(sequencer)
        }
    }

    private func forEachEvent(
        of bytes: [UInt8], from port: Int, _ body: (inout snd_seq_event_t) throws -> Void
    ) throws {
        snd_midi_event_reset_encode(coder)
        var done = 0
        while done < bytes.count {
            var event = snd_seq_event_t()
            let used = bytes.withUnsafeBufferPointer {
                snd_midi_event_encode(coder, $0.baseAddress! + done, bytes.count - done, &event)  // done < count
            }
            guard used > 0 else { throw SequencerError("not MIDI: \(hex(bytes[done...]))") }
            done += used
            if event.type == UInt8(SND_SEQ_EVENT_NONE.rawValue) { continue }
            event.source.port = UInt8(port)
            event.dest.client = UInt8(SND_SEQ_ADDRESS_SUBSCRIBERS)
            event.dest.port = UInt8(SND_SEQ_ADDRESS_UNKNOWN)
            event.queue = UInt8(SND_SEQ_QUEUE_DIRECT)
            try body(&event)
        }
    }

    /// The next event that has arrived, or nil.
    package func nextEvent() -> Event? {
        var pointer: UnsafeMutablePointer<snd_seq_event_t>?
        while true {
            let code = snd_seq_event_input(sequencer, &pointer)
            // An overrun loses events and is reported once; what follows is good again.
            if code == -ENOSPC { continue }
            guard code >= 0, let pointer else { return nil }
            return event(pointer)
        }
    }

    private func event(_ pointer: UnsafeMutablePointer<snd_seq_event_t>) -> Event {
        let event = pointer.pointee
        switch snd_seq_event_type(rawValue: UInt32(event.type)) {
        case SND_SEQ_EVENT_PORT_SUBSCRIBED:
            return .subscribed(
                source: address(event.source), sender: address(event.data.connect.sender),
                destination: address(event.data.connect.dest))
        case SND_SEQ_EVENT_PORT_UNSUBSCRIBED:
            return .unsubscribed(
                sender: address(event.data.connect.sender), destination: address(event.data.connect.dest))
        case SND_SEQ_EVENT_PORT_START: return .portStarted(address(event.data.addr))
        case SND_SEQ_EVENT_PORT_EXIT: return .portExited(address(event.data.addr))
        case SND_SEQ_EVENT_CLOCK, SND_SEQ_EVENT_START, SND_SEQ_EVENT_CONTINUE, SND_SEQ_EVENT_STOP,
            SND_SEQ_EVENT_NOTEOFF, SND_SEQ_EVENT_NOTEON, SND_SEQ_EVENT_KEYPRESS, SND_SEQ_EVENT_CONTROLLER,
            SND_SEQ_EVENT_PGMCHANGE, SND_SEQ_EVENT_CHANPRESS, SND_SEQ_EVENT_PITCHBEND, SND_SEQ_EVENT_SYSEX,
            SND_SEQ_EVENT_QFRAME, SND_SEQ_EVENT_SENSING:
            snd_midi_event_reset_decode(coder)
            var bytes = [UInt8](repeating: 0, count: 65536)
            let count = snd_midi_event_decode(coder, &bytes, bytes.count, pointer)
            return .midi(port: Int(event.dest.port), bytes: Array(bytes.prefix(max(0, count))))
        default: return .other(type: Int(event.type))
        }
    }

    /// Every port of every client, by number.
    package func ports() -> [Port] {
        var found: [Port] = []
        let infos = Infos()
        let (clientInfo, portInfo) = (infos.client, infos.port)
        defer { withExtendedLifetime(infos) {} }
        snd_seq_client_info_set_client(clientInfo, -1)
        while snd_seq_query_next_client(sequencer, clientInfo) >= 0 {
            let client = snd_seq_client_info_get_client(clientInfo)
            let clientName = bytes(snd_seq_client_info_get_name(clientInfo))
            snd_seq_port_info_set_client(portInfo, client)
            snd_seq_port_info_set_port(portInfo, -1)
            while snd_seq_query_next_port(sequencer, portInfo) >= 0 {
                let port = SequencerAddress(client: Int(client), port: Int(snd_seq_port_info_get_port(portInfo)))
                found.append(
                    Port(address: port, clientName: clientName, name: bytes(snd_seq_port_info_get_name(portInfo))))
            }
        }
        return found
    }

    /// The client's and port's name joined by "-", or only one where they are equal: rtpmidid's way of naming.
    /// A port that has gone since has an empty name.
    package func name(of address: SequencerAddress) -> [UInt8] {
        let infos = Infos()
        let (clientInfo, portInfo) = (infos.client, infos.port)
        defer { withExtendedLifetime(infos) {} }
        snd_seq_get_any_client_info(sequencer, CInt(address.client), clientInfo)
        snd_seq_get_any_port_info(sequencer, CInt(address.client), CInt(address.port), portInfo)
        let client = bytes(snd_seq_client_info_get_name(clientInfo))
        let port = bytes(snd_seq_port_info_get_name(portInfo))
        return client == port ? client : client + Array("-".utf8) + port
    }

    /// Where the library writes what it knows of a client and of a port.
    private final class Infos {
        private(set) var client: OpaquePointer?
        private(set) var port: OpaquePointer?
        init() {
            snd_seq_client_info_malloc(&client)
            snd_seq_port_info_malloc(&port)
        }
        deinit {
            snd_seq_client_info_free(client)
            snd_seq_port_info_free(port)
        }
    }

    private func address(_ address: snd_seq_addr_t) -> SequencerAddress {
        SequencerAddress(client: Int(address.client), port: Int(address.port))
    }

    private func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8] {
        guard let text else { return [] }
        return (0..<strlen(text)).map { UInt8(bitPattern: text[$0]) }
    }
}

private func withCString<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    let terminated = bytes.map { CChar(bitPattern: $0) } + [0]
    return terminated.withUnsafeBufferPointer { body($0.baseAddress!) }  // never empty: it ends in 0
}
