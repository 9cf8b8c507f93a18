import Glibc
import Linux
import Rooms
import Sequencer
import Synchronization

/// Who holds what, and who hears whom by wires of ours, in a mapped file: the kernel keeps it when the hub is killed.
/// Also what sounded at hearers that have gone, to be released should they come back.
///
/// | bytes | content |
/// |---|---|
/// | 0 | `Header`: magic, version, slot size and count, boot id. The magic is written last |
/// | 4096 | `slotCount` slots of a fixed size |
///
/// The file is of use on this machine until its next boot, to a program with the same layout; any other is begun anew.
final class HeldTable {
    /// As many as participants on four engines; the width of the hearers' bitmap.
    static let slotCount = 1024

    struct Slot: BitwiseCopyable {
        enum Use { static let (free, participant, goneHearer): (UInt32, UInt32, UInt32) = (0, 1, 2) }

        /// A `Use`; written last when a slot is taken.
        var use = Use.free
        var pid: Int32 = 0
        /// Of the process `pid`, in clock ticks since boot: a process that later gets the same number has another start
        /// time.
        var startTime: UInt64 = 0
        var client: UInt8 = 0
        var port: UInt8 = 0
        var nameLength: UInt8 = 0
        var name: [64 of UInt8] = .init(repeating: 0)
        /// The beginning of the engine's name: who comes back comes to the same engine, in another process maybe.
        var engine: [32 of UInt8] = .init(repeating: 0)
        /// A bit for each slot whose port hears this one by a wire of ours.
        var hearers: [16 of UInt64] = .init(repeating: 0)
        /// What the participant holds; of a hearer that has gone, what sounded there.
        var state = HeldState()
    }

    private struct Header: BitwiseCopyable {
        var magic: UInt64 = 0
        var version: UInt32 = 2
        var slotSize = UInt32(MemoryLayout<Slot>.stride)
        var slotCount = UInt32(HeldTable.slotCount)
        var bootID: [40 of UInt8] = .init(repeating: 0)

        static let magic: UInt64 = 0x4D48_4845_4C44_0A1A
    }
    private static let slotsOffset = 4096
    private static let size = slotsOffset + MemoryLayout<Slot>.stride * slotCount

    private let file: MappedFile
    private let memory: UnsafeMutableRawPointer
    private let slots: UnsafeMutablePointer<Slot>
    private var free: [Int] = []

    /// What went wrong with the file, for people; nil where all is well.
    let problem: String?
    /// The participants' slots that a hub before this one has left.
    let inherited: [Int]
    /// Slots of hearers that have gone, the oldest first.
    private var goneHearers: [Int] = []

    init(path: String) {
        file = MappedFile(path: path, size: Self.size)
        memory = file.memory
        problem =
            file.failure.map { "held notes are not remembered across restarts of the hub: \($0)" }
            ?? Self.begin(memory, isNew: file.sizeBefore == 0).map { "\($0): \(path)" }
        slots = (memory + Self.slotsOffset).bindMemory(to: Slot.self, capacity: Self.slotCount)

        var inherited: [Int] = []
        for index in (0..<Self.slotCount).reversed() {
            switch slots[index].use {
            case Slot.Use.participant where slots[index].nameLength < 64: inherited.append(index)
            case Slot.Use.goneHearer where slots[index].nameLength < 64: goneHearers.append(index)
            default:
                slots[index].use = Slot.Use.free
                free.append(index)
            }
        }
        self.inherited = inherited.reversed()
    }

    /// Begins the table anew where it is not ours, of this boot and whole. Tells where what was there could not be used.
    private static func begin(_ memory: UnsafeMutableRawPointer, isNew: Bool) -> String? {
        let header = memory.bindMemory(to: Header.self, capacity: 1)
        var wanted = Header()
        for (index, byte) in bootID().prefix(40).enumerated() { wanted.bootID[index] = byte }
        wanted.magic = Header.magic
        let isOurs = withUnsafeBytes(of: wanted) { memcmp($0.baseAddress!, header, $0.count) == 0 }
        if isOurs { return nil }
        let isFromBefore = header.pointee.magic == Header.magic
        memset(memory, 0, size)
        wanted.magic = 0
        header.pointee = wanted
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        header.pointee.magic = Header.magic
        // No warning for a new file, or one from before a restart of the machine or of another version.
        return isNew || isFromBefore ? nil : "the table of held notes was unusable and is begun anew"
    }

    private static func bootID() -> [UInt8] { (ProcessIdentity.currentBootID.map { Array("\($0)\n".utf8) }) ?? [] }

    // MARK: Slots

    /// Claims a free slot for a participant; nil where there is none.
    func claim(pid: Int32, startTime: UInt64, engine: String, address: Address, name: [UInt8]) -> Int? {
        if free.isEmpty, let oldest = goneHearers.first { release(oldest) }
        guard let index = free.popLast() else { return nil }
        var slot = Slot()
        slot.pid = pid
        slot.startTime = startTime
        slot.client = address.client
        slot.port = address.port
        slot.nameLength = UInt8(min(name.count, 63))
        for (position, byte) in name.prefix(63).enumerated() { slot.name[position] = byte }
        slot.engine = Self.short(engine)
        slots[index] = slot
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        slots[index].use = Slot.Use.participant
        return index
    }

    func release(_ index: Int) {
        slots[index].use = Slot.Use.free
        forgetHearing(of: index)
        goneHearers.removeAll { $0 == index }
        free.append(index)
    }

    private func forgetHearing(of index: Int) {
        for sender in senders(heardBy: index) { setHears(index, from: sender, false) }
    }

    private static func short(_ engine: String) -> [32 of UInt8] {
        var bytes: [32 of UInt8] = .init(repeating: 0)
        for (index, byte) in engine.utf8.prefix(32).enumerated() { bytes[index] = byte }
        return bytes
    }

    // MARK: Hearers that have gone

    /// The participant has gone, and this sounds where it is: its slot remembers that from now on.
    func goes(_ index: Int, sounding: HeldState) {
        guard !sounding.releases(whileHeldBy: []).isEmpty else { return release(index) }
        forgetHearing(of: index)
        slots[index].use = Slot.Use.free
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        slots[index].hearers = .init(repeating: 0)
        slots[index].state = sounding
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        slots[index].use = Slot.Use.goneHearer
        goneHearers.append(index)
    }

    /// The slots of those of this name who have gone from this engine.
    func goneHearers(named name: [UInt8], from engine: String) -> [Int] {
        guard !goneHearers.isEmpty else { return [] }
        let engine = Self.short(engine)
        return goneHearers.filter { slot in
            facts(slot).name == Array(name.prefix(63)) && (0..<32).allSatisfy { slots[slot].engine[$0] == engine[$0] }
        }
    }

    func facts(_ index: Int) -> (pid: Int32, startTime: UInt64, address: Address, name: [UInt8]) {
        let slot = slots + index
        let name = (0..<Int(slot.pointee.nameLength)).map { slot.pointee.name[$0] }
        return (
            slot.pointee.pid, slot.pointee.startTime,
            Address(client: slot.pointee.client, port: slot.pointee.port), name
        )
    }

    func state(_ index: Int) -> HeldState { slots[index].state }
    func changeState(_ index: Int, _ change: (inout HeldState) -> Void) { change(&slots[index].state) }

    /// Remembers whether `hearer` hears `sender` by a wire of ours.
    func setHears(_ hearer: Int, from sender: Int, _ hears: Bool) {
        let bit = UInt64(1) << (hearer % 64)
        if hears { slots[sender].hearers[hearer / 64] |= bit } else { slots[sender].hearers[hearer / 64] &= ~bit }
    }

    func hears(_ hearer: Int, from sender: Int) -> Bool {
        slots[sender].hearers[hearer / 64] & UInt64(1) << (hearer % 64) != 0
    }

    func hearers(of sender: Int) -> [Int] {
        (0..<Self.slotCount).filter { hears($0, from: sender) }
    }

    func senders(heardBy hearer: Int) -> [Int] {
        (0..<Self.slotCount).filter { slots[$0].use == Slot.Use.participant && hears(hearer, from: $0) }
    }
}
