package import CALSA
import Glibc
package import MIDI

extension SequencerHandle {
    /// What the kernel announces at 0:1.
    package enum Announcement: Hashable, Sendable {
        case clientExited(UInt8)
        case clientStarted(UInt8)
        case portStarted(Address)
        case portExited(Address)
        case portChanged(Address)
        case unsubscribed(from: Address, to: Address)
    }

    /// What came in.
    package enum Input: Hashable, Sendable {
        case announcement(Announcement)
        /// A channel message to one of this client's ports; nil where the event is one that has no single such message,
        /// or system exclusive.
        case midi(from: Address, to: UInt8, Message?)
        case other
    }

    package enum Received: Hashable, Sendable {
        case input(Input)
        /// Nothing is waiting.
        case empty
        /// More came than could wait; the kernel has thrown all of it away.
        case overflow
        case failed(code: Int32)
    }

    /// Lets only announcements in. Only for a client that nobody sends MIDI to: the kernel reports to the sender each event
    /// that a filter refuses, and rtpmidid then throws away what others have played (PatchBay.docc/Listening.md).
    package func hearOnlyAnnouncements() throws(ALSAError) {
        for type in [
            SND_SEQ_EVENT_CLIENT_START, SND_SEQ_EVENT_CLIENT_EXIT, SND_SEQ_EVENT_PORT_START, SND_SEQ_EVENT_PORT_EXIT,
            SND_SEQ_EVENT_PORT_CHANGE, SND_SEQ_EVENT_PORT_UNSUBSCRIBED,
        ] {
            try check(snd_seq_set_client_event_filter(handle, CInt(type.rawValue)), "set_client_event_filter")
        }
    }

    /// More than the kernel ever keeps for one client: 2000 times an event's size, data included. Into less room than its
    /// first event needs the kernel reads nothing, for ever.
    package static let readSize = 2340 * MemoryLayout<snd_seq_event_t>.stride

    /// How many events may wait to be read: 200 unless said, 2000 at most.
    package func setInputPool(_ events: Int) throws(ALSAError) {
        try check(snd_seq_set_client_pool_input(handle, events), "set_client_pool_input")
        // Room for the longest event that the pool can hold: one longer than alsa-lib's buffer could never be read.
        try check(snd_seq_set_input_buffer_size(handle, Self.readSize), "set_input_buffer_size")
    }

    /// The next event.
    package func receive() -> Received {
        var pointer: UnsafeMutablePointer<snd_seq_event_t>?
        while true {
            let code = snd_seq_event_input(handle, &pointer)
            switch -code {
            case EAGAIN: return .empty
            case EINTR: continue
            case ENOSPC: return .overflow
            case let failure where failure > 0: return .failed(code: failure)
            default: break
            }
            guard let event = pointer?.pointee else { return .empty }
            return .input(Self.input(event))
        }
    }

    package static func input(_ event: snd_seq_event_t) -> Input {
        let type = snd_seq_event_type(rawValue: UInt32(event.type))
        switch type {
        case SND_SEQ_EVENT_CLIENT_START: return .announcement(.clientStarted(event.data.addr.client))
        case SND_SEQ_EVENT_CLIENT_EXIT: return .announcement(.clientExited(event.data.addr.client))
        case SND_SEQ_EVENT_PORT_START: return .announcement(.portStarted(Address(event.data.addr)))
        case SND_SEQ_EVENT_PORT_EXIT: return .announcement(.portExited(Address(event.data.addr)))
        case SND_SEQ_EVENT_PORT_CHANGE: return .announcement(.portChanged(Address(event.data.addr)))
        case SND_SEQ_EVENT_PORT_UNSUBSCRIBED:
            let connect = event.data.connect
            return .announcement(.unsubscribed(from: Address(connect.sender), to: Address(connect.dest)))
        default:
            guard
                (SND_SEQ_EVENT_NOTE.rawValue...SND_SEQ_EVENT_REGPARAM.rawValue).contains(type.rawValue)
                    || type == SND_SEQ_EVENT_SYSEX
            else { return .other }
            return .midi(from: Address(event.source), to: event.dest.port, message(type, event))
        }
    }

    private static func message(_ type: snd_seq_event_type, _ event: snd_seq_event_t) -> Message? {
        let note = event.data.note
        let control = event.data.control
        let byte = DataByte(truncating: UInt8(truncatingIfNeeded: control.value))
        switch type {
        case SND_SEQ_EVENT_NOTEON:
            return .noteOn(
                Channel(truncating: note.channel), note: DataByte(truncating: note.note),
                velocity: DataByte(truncating: note.velocity))
        case SND_SEQ_EVENT_NOTEOFF:
            return .noteOff(
                Channel(truncating: note.channel), note: DataByte(truncating: note.note),
                velocity: DataByte(truncating: note.velocity))
        case SND_SEQ_EVENT_KEYPRESS:
            return .polyPressure(
                Channel(truncating: note.channel), note: DataByte(truncating: note.note),
                pressure: DataByte(truncating: note.velocity))
        // alsa-lib turns a 14-bit controller into two controllers below 32, else into a plain one.
        case SND_SEQ_EVENT_CONTROLLER,
            SND_SEQ_EVENT_CONTROL14 where control.param >= 32:
            return .controlChange(
                Channel(truncating: control.channel),
                controller: DataByte(truncating: UInt8(truncatingIfNeeded: control.param)), value: byte)
        case SND_SEQ_EVENT_PGMCHANGE: return .programChange(Channel(truncating: control.channel), program: byte)
        case SND_SEQ_EVENT_CHANPRESS: return .channelPressure(Channel(truncating: control.channel), pressure: byte)
        case SND_SEQ_EVENT_PITCHBEND:
            let value = min(max(Int(control.value), -8192), 8191) + 8192
            return .pitchBend(Channel(truncating: control.channel), Bend(truncating: UInt16(value)))
        default: return nil
        }
    }

    package enum SendResult: Sendable {
        case sent
        /// The hearer's queue is full: try again later.
        case full
        /// There is no such hearer, or it does not listen.
        case gone
    }

    /// Sends at once, past all queues: to one port, or with nil to all that are subscribed to `port` of this client.
    @discardableResult
    package func send(_ message: Message, from port: UInt8, to hearer: Address? = nil) -> SendResult {
        var event = snd_seq_event_t()
        event.queue = UInt8(SND_SEQ_QUEUE_DIRECT)
        event.source.port = port
        event.dest.client = hearer?.client ?? UInt8(SND_SEQ_ADDRESS_SUBSCRIBERS)
        event.dest.port = hearer?.port ?? UInt8(SND_SEQ_ADDRESS_UNKNOWN)
        Self.fill(&event, with: message)
        switch -snd_seq_event_output_direct(handle, &event) {
        case EAGAIN, ENOMEM, ENOSPC: return .full
        case let failure where failure > 0: return .gone
        default: return .sent
        }
    }

    // MARK: Marks

    /// Sends a mark to a port of this client: who reads there has then read all that was sent before. False where there is
    /// no room for it.
    package func mark(_ number: UInt32, at port: UInt8) -> Bool {
        var event = snd_seq_event_t()
        event.queue = UInt8(SND_SEQ_QUEUE_DIRECT)
        event.source.port = port
        event.dest = snd_seq_addr_t(client: client, port: port)
        event.type = UInt8(SND_SEQ_EVENT_USR0.rawValue)
        event.data.raw32.d.0 = number
        return snd_seq_event_output_direct(handle, &event) >= 0
    }

    /// The number of a mark; nil where it is another event, or of another client: the kernel itself says whose.
    package func mark(in event: snd_seq_event_t) -> UInt32? {
        event.type == UInt8(SND_SEQ_EVENT_USR0.rawValue) && event.source.client == client ? event.data.raw32.d.0 : nil
    }

    private static func fill(_ event: inout snd_seq_event_t, with message: Message) {
        func note(_ type: snd_seq_event_type, _ note: DataByte, _ velocity: DataByte) {
            event.type = UInt8(type.rawValue)
            event.data.note.channel = message.channel.rawValue
            event.data.note.note = note.rawValue
            event.data.note.velocity = velocity.rawValue
        }
        func control(_ type: snd_seq_event_type, _ value: Int32, _ controller: UInt8 = 0) {
            event.type = UInt8(type.rawValue)
            event.data.control.channel = message.channel.rawValue
            event.data.control.param = UInt32(controller)
            event.data.control.value = value
        }
        switch message {
        case .noteOff(_, let number, let velocity): note(SND_SEQ_EVENT_NOTEOFF, number, velocity)
        case .noteOn(_, let number, let velocity): note(SND_SEQ_EVENT_NOTEON, number, velocity)
        case .polyPressure(_, let number, let pressure): note(SND_SEQ_EVENT_KEYPRESS, number, pressure)
        case .controlChange(_, let controller, let value):
            control(SND_SEQ_EVENT_CONTROLLER, Int32(value.rawValue), controller.rawValue)
        case .programChange(_, let program): control(SND_SEQ_EVENT_PGMCHANGE, Int32(program.rawValue))
        case .channelPressure(_, let pressure): control(SND_SEQ_EVENT_CHANPRESS, Int32(pressure.rawValue))
        case .pitchBend(_, let bend): control(SND_SEQ_EVENT_PITCHBEND, Int32(bend.rawValue) - 8192)
        }
    }
}

extension Address {
    fileprivate init(_ address: snd_seq_addr_t) { self.init(client: address.client, port: address.port) }
}
