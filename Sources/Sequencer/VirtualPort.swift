import CALSA
import Glibc

/// A port of our own in the ALSA sequencer, for one who takes part without a hub's patch bay: other programs and
/// instruments are connected to it by people. It speaks messages as octets, system messages too. One thread owns it.
package final class VirtualPort {
    private let sequencer: SequencerHandle
    private let coder: OpaquePointer
    package let address: Address
    /// The beginning of a system exclusive message, which the kernel brings in parts.
    private var exclusive: [UInt8] = []
    private static let longestExclusive = 65536

    package convenience init(name: String, isHidden: Bool = false) throws(ALSAError) {
        try self.init(client: name, port: name, isHidden: isHidden)
    }

    /// - Parameter isHidden: other programs neither see nor connect it; it connects itself.
    package init(client: String, port: String, isHidden: Bool = false) throws(ALSAError) {
        sequencer = try SequencerHandle(name: client)
        try sequencer.setInputPool(2000)
        address = try sequencer.createPort(
            name: Array(port.utf8), isHidden ? [.read, .write, .noExport] : .participant)
        var made: OpaquePointer?
        // This fails only without memory.
        _ = snd_midi_event_new(256, &made)
        coder = made!
        snd_midi_event_no_status(coder, 1)
    }

    deinit { snd_midi_event_free(coder) }

    /// Whoever is connected stays so.
    package func rename(client: String, port: String) throws(ALSAError) {
        try sequencer.rename(client: client)
        try sequencer.rename(port: address.port, Array(port.utf8))
    }

    /// To be waited on for reading.
    package var descriptor: CInt { sequencer.descriptor }

    /// Subscribes to what another port plays, and that to what is sent from here; again where somebody has ended it. Nothing
    /// comes of it where the other is gone.
    package func connect(_ other: Address, plays: Bool, hears: Bool) {
        if plays { _ = sequencer.subscribe(from: other, to: address) }
        if hears { _ = sequencer.subscribe(from: address, to: other) }
    }

    package func disconnect(_ other: Address) {
        sequencer.unsubscribe(from: other, to: address)
        sequencer.unsubscribe(from: address, to: other)
    }

    /// Which other clients are connected with that port, either way, the lowest number first.
    package func clients(at other: Address) -> [SequencerHandle.ClientFacts] {
        let numbers = Set((sequencer.hearers(of: other).union(sequencer.speakers(to: other))).map(\.client))
        return numbers.subtracting([address.client]).sorted().compactMap { sequencer.facts(of: $0) }
    }

    /// Hands out what waits; each time octets of one or several complete messages.
    package func receive(_ body: ([UInt8]) -> Void) {
        var pointer: UnsafeMutablePointer<snd_seq_event_t>?
        var buffer = [UInt8](repeating: 0, count: Self.longestExclusive)
        while true {
            let code = snd_seq_event_input(sequencer.handle, &pointer)
            // An overrun loses events and is reported once; what follows is good again.
            if code == -EINTR || code == -ENOSPC { continue }
            guard code >= 0, let event = pointer else { return }
            snd_midi_event_reset_decode(coder)
            let count = snd_midi_event_decode(coder, &buffer, buffer.count, event)
            guard count > 0 else { continue }
            handOut(buffer[..<count], isExclusive: event.pointee.type == UInt8(SND_SEQ_EVENT_SYSEX.rawValue), body)
        }
    }

    private func handOut(_ octets: ArraySlice<UInt8>, isExclusive: Bool, _ body: ([UInt8]) -> Void) {
        guard isExclusive else { return body(Array(octets)) }
        if octets.first == 0xF0 { exclusive = [] }
        exclusive += octets
        if exclusive.first != 0xF0 || exclusive.count > Self.longestExclusive {
            exclusive = []
        } else if exclusive.last == 0xF7 {
            body(exclusive)
            exclusive = []
        }
    }

    /// Sends one complete message to whoever is connected. What a full hearer cannot take is lost.
    package func send(_ message: [UInt8]) {
        snd_midi_event_reset_encode(coder)
        var done = 0
        while done < message.count {
            var event = snd_seq_event_t()
            let used = message.withUnsafeBufferPointer {
                snd_midi_event_encode(coder, $0.baseAddress! + done, message.count - done, &event)  // done < count
            }
            guard used > 0 else { return }
            done += used
            if event.type == UInt8(SND_SEQ_EVENT_NONE.rawValue) { continue }
            event.source.port = address.port
            event.dest.client = UInt8(SND_SEQ_ADDRESS_SUBSCRIBERS)
            event.dest.port = UInt8(SND_SEQ_ADDRESS_UNKNOWN)
            event.queue = UInt8(SND_SEQ_QUEUE_DIRECT)
            _ = snd_seq_event_output_direct(sequencer.handle, &event)
        }
    }
}
