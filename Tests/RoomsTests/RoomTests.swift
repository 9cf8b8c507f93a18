import Rooms
import TestSupport
import Testing

private func member(
    _ id: UInt64, _ name: String, port: Int = 0, _ standing: MemberStatus = .participant
) -> Member {
    Member(id: MemberID(id), name: name, portIndex: port, standing: standing)
}
private func wire(_ from: UInt64, _ to: UInt64) -> Wire { Wire(from: MemberID(from), to: MemberID(to)) }

@Test func `all joins everyone to everyone else, both ways`() {
    let members = [member(1, "A in"), member(2, "B out"), member(3, "C")]
    #expect(
        wantedWires(policy: .all, members: members, blocks: [])
            == [wire(1, 2), wire(1, 3), wire(2, 1), wire(2, 3), wire(3, 1), wire(3, 2)])
}

@Test func `auto spares senders from hearing and receivers from being heard`() {
    let room = Room(policy: .auto, members: [member(1, "A In"), member(2, "B Out"), member(3, "C"), member(4, "D")])
    #expect(
        room.wantedWires == [wire(2, 1), wire(3, 1), wire(4, 1), wire(2, 3), wire(2, 4), wire(3, 4), wire(4, 3)])
    #expect(room.verdict(from: MemberID(1), to: MemberID(3)) == .receivesOnly)
    #expect(room.verdict(from: MemberID(3), to: MemberID(2)) == .sendsOnly)
}

@Test func `named joins senders to receivers and nobody else`() {
    let room = Room(
        policy: .named, members: [member(1, "Violin"), member(2, "Scout"), member(3, "Piano"), member(4, "b rec")])
    #expect(room.wantedWires == [wire(2, 1), wire(2, 4)])
    #expect(room.verdict(from: MemberID(3), to: MemberID(1)) == .namedNeither)
    #expect(room.verdict(from: MemberID(2), to: MemberID(3)) == .namedNeither)
}

@Test func `pair joins the first port to the second`() {
    let room = Room(
        policy: .pair, members: [member(1, "A"), member(2, "A"), member(3, "B", port: 1), member(4, "C", port: 2)])
    #expect(room.wantedWires == [wire(1, 3), wire(2, 3)])
    #expect(room.verdict(from: MemberID(3), to: MemberID(1)) == .wrongPort)
    #expect(room.verdict(from: MemberID(1), to: MemberID(4)) == .wrongPort)
}

@Test func `nobody is wired to themselves or to another room`() {
    let room = Room(policy: .all, members: [member(1, "A")])
    #expect(room.verdict(from: MemberID(1), to: MemberID(1)) == .itself)
    #expect(room.verdict(from: MemberID(1), to: MemberID(2)) == .elsewhere)
    #expect(room.verdict(from: MemberID(2), to: MemberID(2)) == .elsewhere)
}

@Test func `with an echo those who both send and hear are wired to themselves`() {
    let members = [member(1, "A"), member(2, "B In"), member(3, "C Out"), member(4, "D"), member(5, "E", .ghost)]
    let blocks: Set = [Block(from: "Echo", to: "D")]
    var room = Room(policy: .auto, members: members, blocks: blocks, echoes: true)
    #expect(room.wantedWires.filter { $0.from == $0.to } == [wire(1, 1)])
    #expect(room.verdict(from: MemberID(2), to: MemberID(2)) == .receivesOnly)
    #expect(room.verdict(from: MemberID(3), to: MemberID(3)) == .sendsOnly)
    #expect(room.verdict(from: MemberID(4), to: MemberID(4)) == .blocked)
    #expect(room.join(member(6, "F")).contains(wire(6, 6)))
    #expect(room.wantedHearers(of: MemberID(1)).contains(MemberID(1)))
}

@Test(arguments: [MemberStatus.waiting, .duplicate, .ghost])
func `only participants are wired`(standing: MemberStatus) {
    let room = Room(policy: .all, members: [member(1, "A"), member(2, "B", standing), member(3, "C")])
    #expect(room.wantedWires == [wire(1, 3), wire(3, 1)])
    #expect(room.verdict(from: MemberID(1), to: MemberID(2)) == .notWired(standing))
    #expect(room.verdict(from: MemberID(2), to: MemberID(1)) == .notWired(standing))
}

@Test func `a block forbids by name, one way or to and from everybody`() {
    let members = [member(1, "A"), member(2, "B"), member(3, "C"), member(4, "B")]
    let one = Room(policy: .all, members: members, blocks: [Block(from: "A", to: "B")])
    #expect(one.verdict(from: MemberID(1), to: MemberID(4)) == .blocked)
    #expect(one.wantedWires.count == 12 - 2)
    let mute = Room(policy: .all, members: members, blocks: [Block(from: "B", to: nil)])
    #expect(mute.wantedWires.count == 12 - 6)
    #expect(mute.wantedWires.contains(wire(1, 2)))
    let everything = Room(policy: .all, members: members, blocks: [Block(from: nil, to: nil)])
    #expect(everything.wantedWires.isEmpty)
}

@Test func `the sixty-fifth of a mesh is left out until another leaves`() {
    var room = Room(policy: .auto, members: (1...64).map { member($0, "M") })
    #expect(room.wantedWires.count == 64 * 63)
    #expect(room.join(member(65, "M")).isEmpty)
    #expect(room.isLeftOut(MemberID(65)))
    #expect(room.verdict(from: MemberID(65), to: MemberID(1)) == .roomFull)
    #expect(room.verdict(from: MemberID(1), to: MemberID(65)) == .roomFull)
    // Who only receives is no part of the mesh.
    #expect(room.join(member(66, "M In")).count == 64)
    // A replaced member does not lose its place.
    #expect(room.join(member(1, "M")).count == 63 * 2 + 1)
    #expect(room.leave(MemberID(7)).count == 63 * 2 + 1)
    #expect(!room.isLeftOut(MemberID(65)))
}

@Test func `a room of senders and receivers has no such limit`() {
    let members = (0..<200).map { member($0, $0 % 2 == 0 ? "S Out" : "R In") }
    #expect(wantedWires(policy: .named, members: members, blocks: []).count == 100 * 100)
}

@Test(arguments: Policy.allCases)
func `joining one by one and leaving again wants what a room made at once wants`(policy: Policy) {
    var random = SeededRandom(seed: 7)
    let names = ["A", "B in", "C out", "Violin", "Scout", "D", "E Rec"]
    let standings: [MemberStatus] = [.participant, .participant, .participant, .duplicate, .waiting]
    let blocks: Set<Block> = [Block(from: "A", to: "D"), Block(from: nil, to: "E Rec")]
    for _ in 0..<20 {
        var room = Room(policy: policy, blocks: blocks)
        var wires: Set<Wire> = []
        var next: UInt64 = 1
        for _ in 0..<150 {
            if !room.members.isEmpty, Int.random(in: 0..<4, using: &random) == 0 {
                let gone = room.members.randomElement(using: &random)!.id
                wires = wires.filter { $0.from != gone && $0.to != gone }
                wires.formUnion(room.leave(gone))
            } else {
                let joining = member(
                    next, names.randomElement(using: &random)!, port: Int.random(in: 0..<3, using: &random),
                    standings.randomElement(using: &random)!)
                next += 1
                let added = room.join(joining)
                #expect(Set(added).count == added.count && wires.isDisjoint(with: added))
                wires.formUnion(added)
            }
        }
        #expect(wires == room.wantedWires)
        for sender in room.members {
            let hearers = room.wantedHearers(of: sender.id)
            #expect(Set(hearers.map { Wire(from: sender.id, to: $0) }) == wires.filter { $0.from == sender.id })
            for hearer in room.members {
                let isWire = wires.contains(Wire(from: sender.id, to: hearer.id))
                #expect((room.verdict(from: sender.id, to: hearer.id) == .wanted) == isWire)
            }
        }
    }
}
