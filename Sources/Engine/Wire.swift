import MIDI
import Rooms

/// One direction from one member to another, and what sounds at the far end because of it. What a wire has begun there is
/// what it has to end there: neither what its sender holds besides, nor what came by other wires.
///
/// This is a handle; the body lies in the memory of a `WirePool`. Nothing here allocates.
struct Wire: Equatable {
    /// 24 octets: in a full room a member has hundreds.
    struct Body: BitwiseCopyable {
        var first = HeldChannel(Channel(truncating: 0))
        /// How many places of other channels have been in use.
        var othersCount: UInt8 = 0
        /// The members' numbers.
        let from: UInt16
        let to: UInt16
    }
    /// The channel that is not in one of the others' places is in the first one.
    static let mostOthers = 15

    let body: UnsafeMutablePointer<Body>

    private var slab: WireSlab { WireSlab(of: body) }
    var from: Member { slab.members[Int(body.pointee.from)].member.takeUnretainedValue() }
    var to: Member { hearer.takeUnretainedValue() }
    /// The same for the path of a packet, where references are not counted.
    var hearer: Unmanaged<Member> { slab.members[Int(body.pointee.to)].member }
    /// As the rules see it.
    var rule: Rooms.Wire { Rooms.Wire(from: from.memberID, to: to.memberID) }
    /// From somebody to the same.
    var isEcho: Bool { body.pointee.from == body.pointee.to }

    /// Nothing of the channels goes over it at the moment.
    var isWithheld: Bool {
        let isEcho = isEcho
        return hearer._withUnsafeGuaranteedRef { isEcho ? $0.echoTrial != nil : $0.trial != nil }
    }

    /// A message is sent over it.
    func follow(_ message: Message) { entry(of: message.channel, makes: message.holds)?.pointee.follow(message) }

    /// Whether that sounds because of this wire what `release` would end.
    func holds(_ release: Message) -> Bool {
        entry(of: release.channel, makes: false)?.pointee.holds(release) ?? false
    }

    var isEmpty: Bool {
        var isEmpty = true
        forEach { isEmpty = isEmpty && $0.isEmpty }
        return isEmpty
    }

    /// Adds to `held` what sounds because of it.
    func add(to held: inout HeldState) { forEach { held.merge($0) } }

    /// What ends at the far end what sounds there because of it, and because of no other wire.
    var releases: [Message] {
        if isEmpty { return [] }
        var (mine, others) = (HeldState(), HeldState())
        add(to: &mine)
        for other in to.incoming where other != self { other.add(to: &others) }
        return mine.releases(whileHeldBy: [others])
    }

    /// Sets what sounds because of it.
    func assume(_ held: HeldState) {
        forget()
        for channel in Channel.all {
            let sounding = held.onChannel(channel)
            if !sounding.isEmpty { entry(of: channel, makes: true)?.pointee = sounding }
        }
    }

    /// Nothing sounds because of it.
    func forget() {
        body.pointee.first = HeldChannel(Channel(truncating: 0))
        body.pointee.othersCount = 0
    }

    /// Somebody has silenced the far end.
    func silence() { forEach { $0.silence() } }

    private func forEach(_ body: (inout HeldChannel) -> Void) {
        body(&self.body.pointee.first)
        let others = slab.others(of: self.body)
        for index in 0..<Int(self.body.pointee.othersCount) { body(&others[index]) }
    }

    /// Where a channel is kept; of one on which nothing sounds, where it may be kept if it is to.
    private func entry(of channel: Channel, makes: Bool) -> UnsafeMutablePointer<HeldChannel>? {
        let first = UnsafeMutableRawPointer(body).advanced(by: Self.firstOffset)
            .assumingMemoryBound(to: HeldChannel.self)
        if first.pointee.channel == channel { return first }
        var free = first.pointee.isEmpty ? first : nil
        let count = Int(body.pointee.othersCount)
        let others = slab.others(of: body)
        for index in 0..<count {
            let other = others + index
            if other.pointee.channel == channel { return other }
            if other.pointee.isEmpty { free = free ?? other }
        }
        guard makes else { return nil }
        if free == nil, count < Self.mostOthers {
            free = others + count
            body.pointee.othersCount += 1
        }
        free?.pointee = HeldChannel(channel)
        return free
    }

    private static let firstOffset = MemoryLayout<Body>.offset(of: \Body.first)!  // a stored property has one
}

/// A member by its number.
struct NumberedMember {
    /// Members outlive their wires: whoever leaves a room ends its wires first.
    let member: Unmanaged<Member>
}

/// A piece of memory with bodies of wires, and behind them room for the other channels of each: the system gives a page of
/// that when somebody plays on several channels at once. It is aligned, so that a body's address tells where it begins.
private struct WireSlab {
    static let count = 2048
    private static let alignment = 1 << 20
    private static let bodiesAt = 64
    private static let othersAt = bodiesAt + count * MemoryLayout<Wire.Body>.stride
    private static let size = othersAt + count * Wire.mostOthers * MemoryLayout<HeldChannel>.stride

    let start: UnsafeMutableRawPointer

    init(_ members: UnsafeMutablePointer<NumberedMember>) {
        precondition(Self.size <= Self.alignment, "a slab is larger than its alignment")
        start = .allocate(byteCount: Self.size, alignment: Self.alignment)
        start.storeBytes(of: members, as: UnsafeMutablePointer<NumberedMember>.self)
        (start + Self.bodiesAt).bindMemory(to: Wire.Body.self, capacity: Self.count)
        (start + Self.othersAt).bindMemory(to: HeldChannel.self, capacity: Self.count * Wire.mostOthers)
    }

    init(of body: UnsafeMutablePointer<Wire.Body>) {
        let raw = UnsafeMutableRawPointer(body)
        start = raw - Int(bitPattern: raw) & (Self.alignment - 1)
    }

    var members: UnsafeMutablePointer<NumberedMember> {
        start.load(as: UnsafeMutablePointer<NumberedMember>.self)
    }
    var bodies: UnsafeMutablePointer<Wire.Body> {
        (start + Self.bodiesAt).assumingMemoryBound(to: Wire.Body.self)
    }
    func others(of body: UnsafeMutablePointer<Wire.Body>) -> UnsafeMutablePointer<HeldChannel> {
        (start + Self.othersAt).assumingMemoryBound(to: HeldChannel.self) + (body - bodies) * Wire.mostOthers
    }
}

/// The memory of all wires.
final class WirePool {
    private let members: UnsafeMutablePointer<NumberedMember> = .allocate(capacity: SessionTable.capacity)
    private var slabs: [WireSlab] = []
    private var free: [UnsafeMutablePointer<Wire.Body>] = []
    /// How many of the newest slab have been in use.
    private var used = WireSlab.count

    deinit {
        for slab in slabs { slab.start.deallocate() }
        members.deallocate()
    }

    func make(from: Member, to: Member) -> Wire {
        for member in [from, to] {
            (members + member.number).initialize(to: NumberedMember(member: .passUnretained(member)))
        }
        let body = free.popLast() ?? unused()
        body.initialize(to: Wire.Body(from: UInt16(from.number), to: UInt16(to.number)))
        return Wire(body: body)
    }

    private func unused() -> UnsafeMutablePointer<Wire.Body> {
        if used == WireSlab.count {
            slabs.append(WireSlab(members))
            used = 0
        }
        defer { used += 1 }
        return slabs[slabs.count - 1].bodies + used
    }

    func end(_ wire: Wire) { free.append(wire.body) }
}
