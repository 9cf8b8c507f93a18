import MIDI
import Rooms

/// One direction from one member to another, and what sounds at the far end because of it. What a wire has begun there is
/// what it has to end there: neither what its sender holds besides, nor what came by other wires.
///
/// This is a handle; the body lies in the memory of a `WirePool`. Nothing here allocates.
struct Wire: Equatable {
    /// Both ends outlive their wires: whoever leaves a room ends its wires first.
    struct Body {
        unowned(unsafe) let from: Member
        unowned(unsafe) let to: Member
        /// Room for the other channels, which few ever use.
        let others: UnsafeMutablePointer<HeldChannel>
        var first = HeldChannel(Channel(truncating: 0))
        var othersCount: UInt8 = 0
    }
    /// The channel that is not in one of the others' places is in the first one.
    static let mostOthers = 15

    let body: UnsafeMutablePointer<Body>

    var from: Member { body.pointee.from }
    var to: Member { body.pointee.to }
    /// The wire as the module Rooms sees it.
    var rule: Rooms.Wire { Rooms.Wire(from: from.memberID, to: to.memberID) }
    /// From a member to itself.
    var isEcho: Bool { from === to }

    /// Nothing of the channels goes over it at the moment.
    var isWithheld: Bool { isEcho ? to.echoTrial != nil : to.trial != nil }

    /// A message is sent over it.
    func follow(_ message: Message) { place(of: message.channel, makes: message.holds)?.pointee.follow(message) }

    /// Whether that sounds because of this wire what `release` would end.
    func holds(_ release: Message) -> Bool {
        place(of: release.channel, makes: false)?.pointee.holds(release) ?? false
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
            if !sounding.isEmpty { place(of: channel, makes: true)?.pointee = sounding }
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
        for index in 0..<Int(self.body.pointee.othersCount) { body(&self.body.pointee.others[index]) }
    }

    /// Where a channel is kept; of one on which nothing sounds, where it may be kept if it is to.
    private func place(of channel: Channel, makes: Bool) -> UnsafeMutablePointer<HeldChannel>? {
        let first = UnsafeMutableRawPointer(body).advanced(by: Self.firstOffset)
            .assumingMemoryBound(to: HeldChannel.self)
        if first.pointee.channel == channel { return first }
        var free = first.pointee.isEmpty ? first : nil
        let count = Int(body.pointee.othersCount)
        for index in 0..<count {
            let other = body.pointee.others + index
            if other.pointee.channel == channel { return other }
            if other.pointee.isEmpty { free = free ?? other }
        }
        guard makes else { return nil }
        if free == nil, count < Self.mostOthers {
            free = body.pointee.others + count
            body.pointee.othersCount += 1
        }
        free?.pointee = HeldChannel(channel)
        return free
    }

    private static let firstOffset = MemoryLayout<Body>.offset(of: \Body.first)!  // a stored property has one
}

/// The memory of all wires, in slabs. Room for all sixteen channels of each is reserved with it; the system gives memory
/// for a page of that when somebody plays on several channels at once.
final class WirePool {
    private static let slab = 4096
    private var bodies: [UnsafeMutablePointer<Wire.Body>] = []
    private var others: [UnsafeMutablePointer<HeldChannel>] = []
    private var free: [UnsafeMutablePointer<Wire.Body>] = []
    /// How many of the newest slab have been in use.
    private var used = slab

    deinit {
        for slab in bodies { slab.deallocate() }
        for slab in others { slab.deallocate() }
    }

    func make(from: Member, to: Member) -> Wire {
        if let body = free.popLast() {
            body.pointee = Wire.Body(from: from, to: to, others: body.pointee.others)
            return Wire(body: body)
        }
        if used == Self.slab {
            bodies.append(.allocate(capacity: Self.slab))
            others.append(.allocate(capacity: Self.slab * Wire.mostOthers))
            used = 0
        }
        let body = bodies[bodies.count - 1] + used
        body.initialize(
            to: Wire.Body(from: from, to: to, others: others[others.count - 1] + used * Wire.mostOthers))
        used += 1
        return Wire(body: body)
    }

    func end(_ wire: Wire) { free.append(wire.body) }
}
