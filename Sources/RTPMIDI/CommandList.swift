package import MIDI

/// A MIDI list being built (RFC 6295 section 3): octets with deltas and every status, the first command without a delta
/// (Z=0). One list is sent to many hearers: it is encoded once, and each hearer's stream copies it.
@safe package struct CommandList: ~Copyable {
    /// LEN has twelve bits.
    static let longest = 4095

    private let capacity: Int
    private let octets: UnsafeMutablePointer<UInt8>
    /// The channel commands again, in the form that histories take; a command needs at least three octets of the list.
    private let commands: UnsafeMutablePointer<ChannelCommand>
    private(set) var commandCount = 0
    package private(set) var byteCount = 0
    /// When the first command is to be heard, in the sender's ticks: the packet's RTP timestamp.
    private(set) var start: UInt32 = 0
    /// When the last one is.
    private(set) var newest: UInt32 = 0
    /// How many channel commands come before the newest "Reset State": system reset, or General MIDI or Downloadable
    /// Sounds switched on or off.
    private(set) var resetIndex: Int?

    /// - Parameter capacity: octets of the list, which leaves room for headers and journal in a datagram.
    package init(capacity: Int = 1200) {
        precondition((1...Self.longest).contains(capacity), "a MIDI list has at most 4095 octets")
        self.capacity = capacity
        unsafe octets = .allocate(capacity: capacity)
        unsafe commands = .allocate(capacity: capacity / 3 + 1)
    }
    deinit {
        unsafe octets.deallocate()
        unsafe commands.deallocate()
    }

    package var isEmpty: Bool { byteCount == 0 }

    package mutating func removeAll() {
        byteCount = 0
        commandCount = 0
        resetIndex = nil
    }

    /// False, and nothing changed, when there is no room.
    /// - Parameter time: when it is to be heard, in our ticks; one before the last command's means together with that.
    package mutating func append(_ message: Message, at time: UInt32) -> Bool {
        let command = ChannelCommand(message)
        guard makeRoom(for: command.byteCount, at: time) else { return false }
        add(command.status)
        add(command.first)
        if command.byteCount > 2 { add(command.second) }
        unsafe commands[commandCount] = command
        commandCount += 1
        return true
    }

    package mutating func append(_ system: SystemMessage, at time: UInt32) -> Bool {
        guard makeRoom(for: system.byteCount, at: time) else { return false }
        add(system.status)
        if system.byteCount > 1 { add(system.first) }
        if system.byteCount > 2 { add(system.second) }
        if system.status == 0xFF { resetIndex = commandCount }
        return true
    }

    /// - Parameter data: what stands between the framing octets, each below 80; ignored for `cancel`.
    package mutating func append(sysEx part: SysExPart, _ data: UnsafeRawBufferPointer, at time: UInt32) -> Bool {
        let count = part == .cancel ? 0 : data.count
        guard makeRoom(for: count + 2, at: time) else { return false }
        let (head, tail) = part.framing
        add(head)
        for index in 0..<count {
            let octet = unsafe data[index]
            precondition(octet < 0x80, "system exclusive data has seven bits")
            add(octet)
        }
        add(tail)
        if part == .whole, count == 4, unsafe SystemReset.isOne(data[0], data[2], data[3]) { resetIndex = commandCount }
        return true
    }

    /// Copies the list's octets.
    func write(into out: inout OutputRawSpan) {
        unsafe out.withUnsafeMutableBytes { buffer, count in
            precondition(buffer.count - count >= byteCount, "no room for the list")
            unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[count...])
                .copyMemory(from: UnsafeRawBufferPointer(start: octets, count: byteCount))
            count += byteCount
        }
    }
    func command(_ index: Int) -> ChannelCommand {
        precondition(index < commandCount)
        return unsafe commands[index]
    }

    private mutating func makeRoom(for count: Int, at time: UInt32) -> Bool {
        guard !isEmpty else {
            guard count <= capacity else { return false }
            start = time
            newest = time
            return true
        }
        // A command never comes before its predecessor; the longest delta, 28 bits, is seven hours.
        let delta = min(UInt32(max(0, Int32(bitPattern: time &- newest))), 0x0FFF_FFFF)
        let deltaCount = delta < 1 << 7 ? 1 : delta < 1 << 14 ? 2 : delta < 1 << 21 ? 3 : 4
        guard byteCount + deltaCount + count <= capacity else { return false }
        for index in (1..<deltaCount).reversed() {
            add(0x80 | UInt8(truncatingIfNeeded: delta >> (7 * UInt32(index))))
        }
        add(UInt8(truncatingIfNeeded: delta & 0x7F))
        newest &+= delta
        return true
    }
    private mutating func add(_ octet: UInt8) {
        unsafe octets[byteCount] = octet
        byteCount += 1
    }
}

/// The system exclusive messages that put an instrument back to its first state (RFC 6295 appendix A.1): General MIDI on
/// and off (`7E id 09 01…03`), Downloadable Sounds on and off (`7E id 0A 01…02`).
enum SystemReset {
    static func isOne(_ first: UInt8, _ third: UInt8, _ fourth: UInt8) -> Bool {
        first == 0x7E && (third == 0x09 && (1...3).contains(fourth) || third == 0x0A && (1...2).contains(fourth))
    }
}
