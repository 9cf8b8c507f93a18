import MIDI
import Rooms
import Testing

/// Rooms with controllers: who feeds back to them.
struct FocusTests {
    private func member(_ id: UInt64, _ name: String, _ standing: MemberStatus = .participant) -> Member {
        Member(id: MemberID(id), name: name, portIndex: 0, standing: standing)
    }
    private func room(
        holder: String? = nil, controllers: [String] = ["APC"], policy: Policy = .all, blocks: [Block] = [],
        inputs: [Input]? = nil, _ members: [Member]
    ) -> Room {
        let focus = Focus(controllers: controllers, holder: holder.map(Focus.Claim.init))
        let plan = RoomPlan(name: "room", policy: policy, blocks: blocks, focus: focus, inputs: inputs)
        return Room(plan, members: members)
    }
    private func sources(of id: UInt64, in room: Room) -> Set<UInt64> {
        Set(room.wantedWires.filter { $0.to == MemberID(id) }.map(\.from.rawValue))
    }
    private var three: [Member] { [member(1, "APC"), member(2, "One"), member(3, "Two")] }

    @Test func `where nobody has the focus, nobody feeds back, and all else is as ever`() {
        let room = room(three)
        #expect(sources(of: 1, in: room).isEmpty)
        #expect(sources(of: 2, in: room) == [1, 3] && sources(of: 3, in: room) == [1, 2])
        #expect(room.verdict(from: MemberID(2), to: MemberID(1)) == .unfocused)
        #expect(room.focusHolder == nil)
    }

    @Test func `who has it feeds back, and nobody else does`() {
        let room = room(holder: "Two", three)
        #expect(sources(of: 1, in: room) == [3])
        #expect(room.verdict(from: MemberID(2), to: MemberID(1)).text.contains("focus"))
        #expect(room.focusHolder == MemberID(3))
    }

    @Test func `of several with that name the first feeds back, and the next one when it has gone`() {
        var room = room(holder: "One", three + [member(4, "One")])
        #expect(sources(of: 1, in: room) == [2])
        room.leave(MemberID(2))
        #expect(sources(of: 1, in: room) == [4])
        room.join(member(5, "One"))
        #expect(sources(of: 1, in: room) == [4])
    }

    @Test func `one who is silent gives way to another of its name, and has it while there is none`() {
        func one(_ id: UInt64, isSilent: Bool) -> Member {
            Member(id: MemberID(id), name: "One", portIndex: 0, isSilent: isSilent)
        }
        var room = room(holder: "One", [member(1, "APC"), one(2, isSilent: false), one(3, isSilent: false)])
        let choice = room.choice
        room.join(one(2, isSilent: true))
        #expect(sources(of: 1, in: room) == [3] && room.choice != choice)
        room.join(one(3, isSilent: true))
        #expect(sources(of: 1, in: room) == [2])
    }

    @Test func `of an input a controller that is silent is not live while another one is here`() {
        let input = Input(name: "APC", of: ["L", "R"], firstOnly: true)
        var room = room(controllers: [], inputs: [input], [member(1, "L"), member(2, "R"), member(3, "L")])
        func live() -> UInt64? { room.live(of: "APC")?.id.rawValue }
        #expect(live() == 1)
        room.join(Member(id: MemberID(1), name: "L", portIndex: 0, isSilent: true))
        #expect(live() == 3)
        room.leave(MemberID(3))
        #expect(live() == 2)
    }

    @Test(arguments: [MemberStatus.waiting, .duplicate, .ghost])
    func `one who is no participant does not have it`(standing: MemberStatus) {
        let room = room(holder: "One", [member(1, "APC"), member(2, "One", standing), member(3, "One")])
        #expect(sources(of: 1, in: room) == [3])
    }

    @Test func `controllers do not feed back to each other, whoever has the focus`() {
        let room = room(holder: "APC", controllers: ["APC", "Launchpad"], three + [member(4, "Launchpad")])
        #expect(sources(of: 1, in: room).isEmpty && sources(of: 4, in: room).isEmpty)
        #expect(room.focusHolder == nil)
    }

    @Test func `an input's name stands for all controllers of it`() {
        let left = [member(1, "Left"), member(2, "Right"), member(3, "One"), member(4, "Two")]
        let room = room(
            holder: "Two", controllers: ["APC"], inputs: [Input(name: "APC", of: ["Left", "Right"])], left)
        #expect(sources(of: 1, in: room) == [4] && sources(of: 2, in: room) == [4])
        #expect(room.isController("Left") && !room.isController("APC"))
    }

    @Test func `a block and a name that only receives count for who has the focus, too`() {
        let blocked = room(holder: "One", blocks: [Block(from: "One", to: "APC")], three)
        #expect(blocked.verdict(from: MemberID(2), to: MemberID(1)) == .blocked)
        let ear = room(holder: "Ear in", policy: .auto, [member(1, "APC"), member(2, "Ear in")])
        #expect(ear.verdict(from: MemberID(2), to: MemberID(1)) == .receivesOnly)
    }

    // MARK: Who can have it

    @Test func `a member that reaches a controller can have the focus`() {
        #expect(room(three).refusal(ofFocusTo: "One") == nil)
        // The controller is unplugged at the moment.
        #expect(room([member(2, "One")]).refusal(ofFocusTo: "One") == nil)
    }

    @Test func `who is not here, is a controller or would not be heard cannot`() {
        #expect(room(three).refusal(ofFocusTo: "Nobody") == .notHere)
        #expect(room([member(2, "One", .ghost)]).refusal(ofFocusTo: "One") == .notHere)
        #expect(room(three).refusal(ofFocusTo: "APC") == .isController)
        #expect(Room(policy: .all, members: three).refusal(ofFocusTo: "One") == .noController)
        let block = [Block(from: "One", to: nil)]
        #expect(room(blocks: block, three).refusal(ofFocusTo: "One") == .unheard(.blocked))
        #expect(room(blocks: block, [member(2, "One")]).refusal(ofFocusTo: "One") == .unheard(.blocked))
        let ear = [member(1, "Ear in")]
        #expect(room(policy: .auto, ear).refusal(ofFocusTo: "Ear in") == .unheard(.receivesOnly))
        #expect(
            room(policy: .auto, ear + [member(2, "APC")]).refusal(ofFocusTo: "Ear in") == .unheard(.receivesOnly))
    }

    @Test func `of several controllers one that hears it is enough`() {
        let room = room(controllers: ["APC", "Pad"], blocks: [Block(from: "One", to: "APC")], three)
        #expect(room.refusal(ofFocusTo: "One") == nil)
    }

    // MARK: Inputs

    private func inputs(
        chosen: String? = nil, _ members: [Member], firstOnly: Bool? = true
    ) -> Room {
        let input = Input(
            name: "APC", of: ["Left", "Right"], firstOnly: firstOnly, chosen: chosen.map(Focus.Claim.init))
        return Room(RoomPlan(name: "room", policy: .all, inputs: [input]), members: members)
    }
    private func heard(_ room: Room) -> Set<UInt64> { sources(of: 9, in: room) }
    private var pair: [Member] { [member(9, "Ear"), member(2, "Right"), member(1, "Left")] }

    @Test func `both controllers of an input are heard unless something else is said`() {
        #expect(heard(inputs(pair, firstOnly: nil)) == [1, 2])
        #expect(inputs(pair, firstOnly: nil).live(of: "APC") == nil)
    }

    @Test func `else the first who is here is, and the next one when it has gone`() {
        var room = inputs(pair)
        #expect(heard(room) == [1])
        #expect(room.verdict(from: MemberID(2), to: MemberID(9)) == .notLive)
        #expect(room.live(of: "APC")?.name == "Left")
        room.leave(MemberID(1))
        #expect(heard(room) == [2])
    }

    @Test func `whoever is chosen is live as long as it is here`() {
        var room = inputs(chosen: "Right", pair)
        #expect(heard(room) == [2])
        room.leave(MemberID(2))
        #expect(heard(room) == [1])
        room.join(member(3, "Right"))
        #expect(heard(room) == [3])
    }

    @Test func `one who is chosen and belongs to no input changes nothing`() {
        #expect(heard(inputs(chosen: "Ear", pair)) == [1])
    }

    @Test func `whoever changes others' wires by coming or going is told apart from others`() {
        var two = inputs([member(9, "Ear"), member(2, "Right")])
        let before = two.choice
        two.join(member(3, "Another"))
        two.leave(MemberID(9))
        #expect(two.choice == before)
        two.join(member(1, "Left"))
        #expect(two.choice > before)
        var one = room(holder: "One", three)
        let choice = one.choice
        one.leave(MemberID(3))
        #expect(one.choice == choice)
        one.leave(MemberID(2))
        #expect(one.choice > choice)
    }

    // MARK: Touch and plan

    @Test func `what only ends something is no touch`() {
        let one = Channel(truncating: 0)
        #expect(!Message.noteOff(one, note: 60, velocity: 64).isTouch)
        #expect(!Message.noteOn(one, note: 60, velocity: 0).isTouch)
        #expect(Message.noteOn(one, note: 60, velocity: 1).isTouch)
        #expect(Message.controlChange(one, controller: 7, value: 0).isTouch)
    }
}

/// Values that are ignored until they meet the one that counts.
struct PickupTests {
    private let seven = Pickup.place(.controlChange(Channel(truncating: 0), controller: 7, value: 0))!

    @Test func `a knob counts from where it meets the value that counts`() {
        var left = Pickup()
        #expect(left.moves(seven, to: 10, current: 60) == false)
        #expect(left.moves(seven, to: 59, current: 60) == false)
        #expect(left.moves(seven, to: 70, current: 60) == true)
        // It is its own value that counts now.
        #expect(left.moves(seven, to: 90, current: 70) == true)
        #expect(left.moves(seven, to: 20, current: 90) == true)
        // Another was moved meanwhile.
        #expect(left.moves(seven, to: 25, current: 100) == false)
        #expect(left.moves(seven, to: 100, current: 100) == true)
    }

    @Test func `a value that nobody has set counts at once`() {
        var left = Pickup()
        #expect(left.moves(seven, to: 10, current: Pickup.unknown) == true)
    }

    @Test func `a knob's first value counts where it is close by`() {
        var (left, right) = (Pickup(), Pickup())
        #expect(left.moves(seven, to: 62, current: 60) == true)
        #expect(right.moves(seven, to: 63, current: 60) == false)
    }

    @Test(arguments: [0, 6, 32, 38, 64, 69, 96, 101, 120, 123, 127])
    func `pedals, banks, parameters and modes always pass`(controller: UInt8) {
        let one = Channel(truncating: 0)
        #expect(Pickup.place(.controlChange(one, controller: DataByte(truncating: controller), value: 1)) == nil)
    }

    @Test func `so does what is no controller`() {
        #expect(Pickup.place(.noteOn(Channel(truncating: 0), note: 7, velocity: 1)) == nil)
        #expect(Pickup.place(.controlChange(Channel(truncating: 15), controller: 119, value: 1)) == 15 * 128 + 119)
    }
}
