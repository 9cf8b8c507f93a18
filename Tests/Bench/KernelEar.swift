import CALSA
import Glibc

/// Hears the sequencer's announcements with the kernel's own time on each, so that it does not matter when we come to read
/// them: a queue stamps what is delivered to our port.
final class KernelEar {
    struct Address: Hashable { let client: UInt8, port: UInt8 }
    enum PatchBayEvent {
        case portStarted(Address)
        case subscribed(from: Address, to: Address)
        case other
    }

    private let sequencer: OpaquePointer
    private let queue: CInt

    init() throws {
        var opened: OpaquePointer?
        guard snd_seq_open(&opened, "default", SND_SEQ_OPEN_DUPLEX, SND_SEQ_NONBLOCK) == 0, let opened else {
            throw Missing(description: "an ALSA sequencer")
        }
        sequencer = opened
        snd_seq_set_client_pool_input(sequencer, 2000)
        queue = snd_seq_alloc_queue(sequencer)
        var info: OpaquePointer?
        snd_seq_port_info_malloc(&info)
        defer { snd_seq_port_info_free(info) }
        snd_seq_port_info_set_name(info, "ear")
        snd_seq_port_info_set_capability(info, UInt32(SND_SEQ_PORT_CAP_WRITE) | UInt32(SND_SEQ_PORT_CAP_NO_EXPORT))
        snd_seq_port_info_set_type(info, UInt32(SND_SEQ_PORT_TYPE_APPLICATION))
        snd_seq_port_info_set_timestamping(info, 1)
        snd_seq_port_info_set_timestamp_real(info, 1)
        snd_seq_port_info_set_timestamp_queue(info, queue)
        snd_seq_create_port(sequencer, info)
        snd_seq_connect_from(sequencer, snd_seq_port_info_get_port(info), 0, 1)
        snd_seq_control_queue(sequencer, queue, CInt(SND_SEQ_EVENT_START.rawValue), 0, nil)
        snd_seq_drain_output(sequencer)
    }

    deinit { snd_seq_close(sequencer) }

    /// Waits until something has come or the time is over: false.
    func wait(milliseconds: CInt) -> Bool {
        if snd_seq_event_input_pending(sequencer, 0) > 0 { return true }
        var descriptor = pollfd()
        snd_seq_poll_descriptors(sequencer, &descriptor, 1, Int16(POLLIN))
        return poll(&descriptor, 1, milliseconds) > 0
    }

    /// The next announcement and its time in seconds; nil where none waits.
    func next() -> (news: PatchBayEvent, at: Double)? {
        var event: UnsafeMutablePointer<snd_seq_event_t>?
        guard snd_seq_event_input(sequencer, &event) >= 0, let event = event?.pointee else { return nil }
        let at = Double(event.time.time.tv_sec) + Double(event.time.time.tv_nsec) / 1e9
        switch snd_seq_event_type(rawValue: UInt32(event.type)) {
        case SND_SEQ_EVENT_PORT_START: return (.portStarted(Self.address(event.data.addr)), at)
        case SND_SEQ_EVENT_PORT_SUBSCRIBED where event.source.client == 0:
            return (
                .subscribed(from: Self.address(event.data.connect.sender), to: Self.address(event.data.connect.dest)),
                at
            )
        default: return (.other, at)
        }
    }

    private static func address(_ address: snd_seq_addr_t) -> Address {
        Address(client: address.client, port: address.port)
    }
}
