import CALSA
import Glibc

extension SequencerHandle {
    /// The process (to be exact the thread) that opened a client; nil for the kernel's own clients and for none.
    package func owner(of client: UInt8) -> Int32? {
        guard snd_seq_get_any_client_info(handle, CInt(client), clientInfo) >= 0 else { return nil }
        let pid = snd_seq_client_info_get_pid(clientInfo)
        return pid > 0 ? pid : nil
    }

    package struct ClientFacts: Hashable, Sendable {
        package let number: UInt8
        package let name: [UInt8]
        /// The process (to be exact the thread) that opened it; nil for the kernel's own.
        package let owner: Int32?
        /// Of one of the kernel's: the number of the sound card that it speaks for.
        package let card: Int?

        package init(number: UInt8, name: [UInt8], owner: Int32?, card: Int?) {
            (self.number, self.name, self.owner, self.card) = (number, name, owner, card)
        }
    }

    /// nil where there is no such client.
    package func facts(of client: UInt8) -> ClientFacts? {
        guard snd_seq_get_any_client_info(handle, CInt(client), clientInfo) >= 0 else { return nil }
        let pid = snd_seq_client_info_get_pid(clientInfo)
        let card = Int(snd_seq_client_info_get_card(clientInfo))
        return ClientFacts(
            number: client, name: Self.bytes(snd_seq_client_info_get_name(clientInfo)), owner: pid > 0 ? pid : nil,
            card: card >= 0 ? card : nil)
    }

    package struct PortFacts: Hashable, Sendable {
        package let address: Address
        package let name: [UInt8]
        package let capabilities: Capabilities
        package let kind: PortKind
    }

    /// What its maker says that a port is.
    package struct PortKind: OptionSet, Hashable, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        package static let hardware = PortKind(rawValue: UInt32(SND_SEQ_PORT_TYPE_HARDWARE))
        package static let application = PortKind(rawValue: UInt32(SND_SEQ_PORT_TYPE_APPLICATION))
        package static let synthesizer = PortKind(
            rawValue: UInt32(
                SND_SEQ_PORT_TYPE_SYNTH | SND_SEQ_PORT_TYPE_DIRECT_SAMPLE | SND_SEQ_PORT_TYPE_SAMPLE
                    | SND_SEQ_PORT_TYPE_SOFTWARE | SND_SEQ_PORT_TYPE_SYNTHESIZER))
    }

    /// nil where there is no such port.
    package func port(at address: Address) -> PortFacts? {
        guard snd_seq_get_any_port_info(handle, CInt(address.client), CInt(address.port), portInfo) >= 0 else {
            return nil
        }
        return portFacts()
    }

    /// The numbers of all clients but the system's.
    package func clients() -> [UInt8] {
        var numbers: [UInt8] = []
        snd_seq_client_info_set_client(clientInfo, 0)
        while snd_seq_query_next_client(handle, clientInfo) >= 0 {
            numbers.append(UInt8(truncatingIfNeeded: snd_seq_client_info_get_client(clientInfo)))
        }
        return numbers
    }

    package func ports(of client: UInt8) -> [PortFacts] {
        var ports: [PortFacts] = []
        snd_seq_port_info_set_client(portInfo, CInt(client))
        snd_seq_port_info_set_port(portInfo, -1)
        while snd_seq_query_next_port(handle, portInfo) >= 0 { ports.append(portFacts()) }
        return ports
    }

    /// Who is subscribed to what a port sends.
    package func hearers(of address: Address) -> Set<Address> { subscribers(SND_SEQ_QUERY_SUBS_READ, of: address) }

    /// To whose sending a port is subscribed.
    package func speakers(to address: Address) -> Set<Address> { subscribers(SND_SEQ_QUERY_SUBS_WRITE, of: address) }

    private func subscribers(_ kind: snd_seq_query_subs_type_t, of address: Address) -> Set<Address> {
        var query: OpaquePointer?
        guard snd_seq_query_subscribe_malloc(&query) >= 0, let query else { return [] }
        defer { snd_seq_query_subscribe_free(query) }
        var root = snd_seq_addr_t(client: address.client, port: address.port)
        snd_seq_query_subscribe_set_root(query, &root)
        snd_seq_query_subscribe_set_type(query, kind)
        var subscribers: Set<Address> = []
        var index: CInt = 0
        while true {
            snd_seq_query_subscribe_set_index(query, index)
            guard snd_seq_query_port_subscribers(handle, query) >= 0,
                let found = snd_seq_query_subscribe_get_addr(query)
            else { return subscribers }
            subscribers.insert(Address(client: found.pointee.client, port: found.pointee.port))
            index += 1
        }
    }

    private func portFacts() -> PortFacts {
        PortFacts(
            address: Address(
                client: UInt8(truncatingIfNeeded: snd_seq_port_info_get_client(portInfo)),
                port: UInt8(truncatingIfNeeded: snd_seq_port_info_get_port(portInfo))),
            name: Self.bytes(snd_seq_port_info_get_name(portInfo)),
            capabilities: Capabilities(rawValue: snd_seq_port_info_get_capability(portInfo)),
            kind: PortKind(rawValue: snd_seq_port_info_get_type(portInfo)))
    }

    private static func bytes(_ name: UnsafePointer<CChar>?) -> [UInt8] {
        guard let name else { return [] }
        return UnsafeBufferPointer(start: name, count: strlen(name)).map { UInt8(bitPattern: $0) }
    }
}
