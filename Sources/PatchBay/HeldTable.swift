import Glibc
import Linux
import Rooms
import Synchronization

/// Who holds what, and who hears whom by wires of ours, in a mapped file: the kernel keeps it when the hub is killed.
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
        /// 0 or 1; written last when a slot is taken.
        var isTaken: UInt32 = 0
        var pid: Int32 = 0
        /// Of the process `pid`, in clock ticks since boot: a number used again is told apart.
        var startTime: UInt64 = 0
        var client: UInt8 = 0
        var port: UInt8 = 0
        var nameLength: UInt8 = 0
        var name: [64 of UInt8] = .init(repeating: 0)
        /// A bit for each slot whose port hears this one by a wire of ours.
        var hearers: [16 of UInt64] = .init(repeating: 0)
        var state = HeldState()
    }

    private struct Header: BitwiseCopyable {
        var magic: UInt64 = 0
        var version: UInt32 = 1
        var slotSize = UInt32(MemoryLayout<Slot>.stride)
        var slotCount = UInt32(HeldTable.slotCount)
        var bootID: [40 of UInt8] = .init(repeating: 0)

        static let magic: UInt64 = 0x4D48_4845_4C44_0A1A
    }
    private static let slotsOffset = 4096
    private static let size = slotsOffset + MemoryLayout<Slot>.stride * slotCount

    private let memory: UnsafeMutableRawPointer
    private let slots: UnsafeMutablePointer<Slot>
    private var free: [Int] = []

    /// What went wrong with the file, for people; nil where all is well.
    let trouble: String?
    /// The slots that a hub before this one has left.
    let inherited: [Int]

    init(path: String) {
        var trouble: String?
        var mapped: UnsafeMutableRawPointer?
        do throws(Errno) {
            let file = try Descriptor("open", path) {
                open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o600)
            }
            (mapped, trouble) = try Self.map(file, path)
        } catch {
            trouble = "held notes are not remembered across restarts of the hub: \(error)"
        }
        if let mapped {
            memory = mapped
        } else {
            memory = .allocate(byteCount: Self.size, alignment: 4096)
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: Self.size)
        }
        slots = (memory + Self.slotsOffset).bindMemory(to: Slot.self, capacity: Self.slotCount)
        self.trouble = trouble
        isMapped = mapped != nil

        var inherited: [Int] = []
        for index in (0..<Self.slotCount).reversed() {
            if slots[index].isTaken == 1, slots[index].nameLength < 64 {
                inherited.append(index)
            } else {
                slots[index].isTaken = 0
                free.append(index)
            }
        }
        self.inherited = inherited.reversed()
    }

    private let isMapped: Bool

    deinit {
        if isMapped { munmap(memory, Self.size) } else { memory.deallocate() }
    }

    /// The file in memory, begun anew where it is not ours, of this boot and whole; then the second value says so.
    private static func map(
        _ file: borrowing Descriptor, _ path: String
    ) throws(Errno) -> (UnsafeMutableRawPointer, String?) {
        let number = file.number
        var facts = stat()
        try retrying("fstat", path) { fstat(number, &facts) }
        guard facts.st_mode & S_IFMT == S_IFREG else { throw Errno(code: EINVAL, call: "no plain file", thing: path) }
        let isWhole = Int(facts.st_size) == size
        if !isWhole {
            try retrying("ftruncate", path) { ftruncate(number, 0) }
        }
        // Room on the disk now, not when a page is first written to: that would be a SIGBUS.
        let code = posix_fallocate(number, 0, off_t(size))
        guard code == 0 else { throw Errno(code: code, call: "fallocate", thing: path) }
        guard let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, number, 0), memory != MAP_FAILED else {
            throw Errno(code: EIO, call: "mmap", thing: path)
        }
        let header = memory.bindMemory(to: Header.self, capacity: 1)
        var wanted = Header()
        for (index, byte) in bootID().prefix(40).enumerated() { wanted.bootID[index] = byte }
        wanted.magic = Header.magic
        let isOurs = withUnsafeBytes(of: wanted) { memcmp($0.baseAddress!, header, $0.count) == 0 }
        if isOurs { return (memory, nil) }
        let isFromBefore = header.pointee.magic == Header.magic
        memset(memory, 0, size)
        wanted.magic = 0
        header.pointee = wanted
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        header.pointee.magic = Header.magic
        // A new file, and one from before a restart of the machine or of another version, are nothing to tell.
        let isNew = facts.st_size == 0
        return (memory, isNew || isFromBefore ? nil : "the table of held notes was unusable and is begun anew: \(path)")
    }

    private static func bootID() -> [UInt8] { ProcessFile.read("/proc/sys/kernel/random/boot_id") }

    // MARK: Slots

    /// Takes a slot; nil where all are taken.
    func take(pid: Int32, startTime: UInt64, address: Address, name: [UInt8]) -> Int? {
        guard let index = free.popLast() else { return nil }
        var slot = Slot()
        slot.pid = pid
        slot.startTime = startTime
        slot.client = address.client
        slot.port = address.port
        slot.nameLength = UInt8(min(name.count, 63))
        for (place, byte) in name.prefix(63).enumerated() { slot.name[place] = byte }
        slots[index] = slot
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        slots[index].isTaken = 1
        return index
    }

    func release(_ index: Int) {
        slots[index].isTaken = 0
        for other in 0..<Self.slotCount where slots[other].isTaken == 1 { setHears(index, from: other, false) }
        free.append(index)
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
}

/// Small files of proc(5).
enum ProcessFile {
    /// At most 4 KiB; empty where it cannot be read.
    static func read(_ path: String) -> [UInt8] {
        guard let file = try? Descriptor("open", path, { open(path, O_RDONLY | O_CLOEXEC) }) else { return [] }
        return [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            if case .bytes(let read)? = try? file.read(into: UnsafeMutableRawBufferPointer(buffer)) { count = read }
        }
    }

    /// When a process (or thread) was started, in clock ticks since boot: field 22 of /proc/PID/stat. nil where there is none.
    static func startTime(of pid: Int32) -> UInt64? {
        let bytes = read("/proc/\(pid)/stat")
        // The second field is the program's name in parentheses, and may hold anything, parentheses too.
        guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19 else { return nil }
        return UInt64(String(decoding: fields[19], as: UTF8.self))
    }
}
