//  Module Sequencer: the ALSA sequencer as Swift values. Start here, then `SequencerHandle+Events.swift`;
//  `VirtualPort.swift` is a port for other programs to connect to.
//
//  What it is: a client of the kernel's sequencer that never blocks, its ports, subscriptions, queries and events. What it
//  refuses to be: one who decides what is joined (PatchBay), or who remembers anything.
//  Ruled by alsa-lib's <alsa/seq.h> and <alsa/seqmid.h>, and Sequencer.docc.

import CALSA
import Glibc
package import Rooms

/// A failed call to alsa-lib: which call, on which thing, what it said.
package struct ALSAError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A positive errno(3).
    package let code: Int32
    package let call: String
    package let thing: String

    package init(code: Int32, call: String, thing: String) { (self.code, self.call, self.thing) = (code, call, thing) }

    package var reason: String { String(cString: snd_strerror(-code)) }
    package var description: String { thing.isEmpty ? "\(call): \(reason)" : "\(call) \(thing): \(reason)" }
}

/// One client of the ALSA sequencer, never blocking. Not Sendable: one thread at a time.
package final class SequencerHandle {
    let handle: OpaquePointer
    /// This client's number, 128 or more.
    package let client: UInt8
    /// To be waited on for reading.
    package let descriptor: CInt

    // Reused by every query: alsa-lib's structs are opaque, and the join path allocates nothing.
    let clientInfo: OpaquePointer
    let portInfo: OpaquePointer
    private let subscription: OpaquePointer

    /// Opens a client. The kernel records the calling thread as its owner.
    package init(name: String) throws(ALSAError) {
        midihub_alsa_quiet()
        var opened: OpaquePointer?
        // The kernel's sequencer itself, whatever a user's .asoundrc calls "default".
        let code = snd_seq_open(&opened, "hw", SND_SEQ_OPEN_DUPLEX, SND_SEQ_NONBLOCK)
        guard code >= 0, let opened else { throw ALSAError(code: -code, call: "open", thing: "/dev/snd/seq") }
        handle = opened
        client = UInt8(truncatingIfNeeded: snd_seq_client_id(opened))
        var entry = pollfd()
        _ = snd_seq_poll_descriptors(opened, &entry, 1, Int16(POLLIN))
        descriptor = entry.fd
        // These fail only when memory is exhausted, in which case Swift itself traps.
        var clientInfo: OpaquePointer?
        var portInfo: OpaquePointer?
        var subscription: OpaquePointer?
        _ = snd_seq_client_info_malloc(&clientInfo)
        _ = snd_seq_port_info_malloc(&portInfo)
        _ = snd_seq_port_subscribe_malloc(&subscription)
        self.clientInfo = clientInfo!
        self.portInfo = portInfo!
        self.subscription = subscription!
        try rename(client: name)
    }

    package func rename(client name: String) throws(ALSAError) {
        try check(snd_seq_set_client_name(handle, name), "set_client_name", name)
    }

    deinit {
        snd_seq_port_subscribe_free(subscription)
        snd_seq_port_info_free(portInfo)
        snd_seq_client_info_free(clientInfo)
        snd_seq_close(handle)
    }

    @discardableResult
    func check(_ code: CInt, _ call: String, _ thing: @autoclosure () -> String = "") throws(ALSAError) -> CInt {
        guard code >= 0 else { throw ALSAError(code: -code, call: call, thing: thing()) }
        return code
    }

    // MARK: Ports

    package struct Capabilities: OptionSet, Hashable, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        package static let read = Capabilities(rawValue: UInt32(SND_SEQ_PORT_CAP_READ))
        package static let write = Capabilities(rawValue: UInt32(SND_SEQ_PORT_CAP_WRITE))
        package static let subscribeRead = Capabilities(rawValue: UInt32(SND_SEQ_PORT_CAP_SUBS_READ))
        package static let subscribeWrite = Capabilities(rawValue: UInt32(SND_SEQ_PORT_CAP_SUBS_WRITE))
        package static let noExport = Capabilities(rawValue: UInt32(SND_SEQ_PORT_CAP_NO_EXPORT))
        /// What a participant's port has.
        package static let participant: Capabilities = [.read, .write, .subscribeRead, .subscribeWrite]

        /// What others can let such a port do by subscriptions.
        package var ability: Direction {
            Direction(
                sends: isSuperset(of: [.read, .subscribeRead]), receives: isSuperset(of: [.write, .subscribeWrite]))
        }
    }

    /// Makes a port and gives its address. The kernel cuts the name at 63 bytes, and calls it `port-N` where it is empty.
    package func createPort(name: [UInt8], _ capabilities: Capabilities) throws(ALSAError) -> Address {
        let text = Self.text(name)
        let port = snd_seq_create_simple_port(
            handle, text, capabilities.rawValue, UInt32(SND_SEQ_PORT_TYPE_MIDI_GENERIC | SND_SEQ_PORT_TYPE_APPLICATION))
        try check(port, "create_port")
        return Address(client: client, port: UInt8(truncatingIfNeeded: port))
    }

    package func rename(port: UInt8, _ name: [UInt8]) throws(ALSAError) {
        try check(snd_seq_get_port_info(handle, CInt(port), portInfo), "get_port_info", "\(client):\(port)")
        snd_seq_port_info_set_name(portInfo, Self.text(name))
        try check(snd_seq_set_port_info(handle, CInt(port), portInfo), "set_port_info", "\(client):\(port)")
    }

    private static func text(_ name: [UInt8]) -> [CChar] {
        name.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
    }

    package func deletePort(_ port: UInt8) throws(ALSAError) {
        try check(snd_seq_delete_simple_port(handle, CInt(port)), "delete_port", "\(client):\(port)")
    }

    // MARK: Subscriptions

    package enum SubscribeResult: Sendable {
        case made
        /// It was there already.
        case existed
        /// One of the two ports is gone, or does not allow it.
        case impossible(code: Int32)
    }

    /// Subscribes with plain defaults. That a port has just gone is no error but an outcome.
    package func subscribe(from: Address, to: Address) -> SubscribeResult {
        fill(from, to)
        let code = snd_seq_subscribe_port(handle, subscription)
        return code >= 0 ? .made : code == -EBUSY ? .existed : .impossible(code: -code)
    }

    /// Whether there was such a subscription to remove.
    @discardableResult
    package func unsubscribe(from: Address, to: Address) -> Bool {
        fill(from, to)
        return snd_seq_unsubscribe_port(handle, subscription) >= 0
    }

    /// Ends all subscriptions of others to a port of this client.
    package func endSubscriptions(to port: UInt8) { midihub_alsa_end_subscriptions(descriptor, port) }

    package func isSubscribed(from: Address, to: Address) -> Bool {
        fill(from, to)
        return snd_seq_get_port_subscription(handle, subscription) >= 0
    }

    private func fill(_ from: Address, _ to: Address) {
        var sender = snd_seq_addr_t(client: from.client, port: from.port)
        var hearer = snd_seq_addr_t(client: to.client, port: to.port)
        snd_seq_port_subscribe_set_sender(subscription, &sender)
        snd_seq_port_subscribe_set_dest(subscription, &hearer)
    }
}
