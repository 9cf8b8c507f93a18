import Linux
import RTPMIDI
import Rooms

/// Everybody who is there, in a mapped file that outlives the engine: one that was killed takes its participants up
/// again from it, and goes on where it stopped.
///
/// | bytes | content |
/// |---|---|
/// | 0 | `Header` |
/// | 4096 | `capacity` records of a fixed size |
final class SessionTable {
    static let capacity = 1024
    private static let recordsAt = 4096

    /// One participant. Numbers and octets only: any bytes that the file may hold make a value. Where a version knows more
    /// of one, that comes at the end, so that the version before it can be taken over.
    struct Record: BitwiseCopyable {
        /// 1 where the record is in use; written last.
        var isTaken: UInt32 = 0
        /// The UDP control port it came to.
        var port: UInt16 = 0
        var nameLength: UInt8 = 0
        /// 1 once it was cut for a feedback loop.
        var isCut: UInt8 = 0
        var id: UInt64 = 0
        /// Unix milliseconds.
        var since: Int64 = 0
        var token: UInt32 = 0
        var dataToken: UInt32 = 0
        var ssrc: UInt32 = 0
        var control = SocketAddress(high: 0, low: 0, port: 0)
        var data = SocketAddress(high: 0, low: 0, port: 0)
        /// The number of the next packet to it, and the newest that it says to have.
        var nextSequence: UInt16 = 0
        var acknowledged: UInt16 = 0
        /// The highest number that came from it, extended; and whether anything came.
        var highest: UInt32 = 0
        var hasReceived: UInt8 = 0
        /// Whether it understands filled journals: 1 where it sends such, 2 where they would harm it.
        var journals: UInt8 = 0
        /// 1 where nothing came from `control` since its router changed.
        var isControlGuessed: UInt8 = 0
        /// 1 where it has answered our questions for the time.
        var answersClock: UInt8 = 0
        var name: [64 of UInt8] = .init(repeating: 0)
        var state = Member.State()
        /// What its clock says. Since version 3.
        var clock = ClockFilter.State()
        /// Since version 3 too: whose events its are; 0 where none was drawn yet, and the number of the newest that was let out.
        var origin: UInt32 = 0
        var number: UInt32 = 0
        /// The number of the newest event of ours that is for it alone.
        var ownNumber: UInt32 = 0
        /// 1 where numbered events are sent in place of RTP-MIDI.
        var isLinked: UInt8 = 0
        /// 1 where the room has invited it. Until it was known these three octets were the upper ones of a number, 0.
        var isInvited: UInt8 = 0
        private var unused: UInt16 = 0

        var nameText: String {
            String(decoding: (0..<Int(min(nameLength, 64))).map { name[$0] }, as: UTF8.self)
        }

        mutating func setName(_ text: String) {
            nameLength = 0
            for byte in text.utf8.prefix(64) {
                name[Int(nameLength)] = byte
                nameLength += 1
            }
        }
    }

    struct Header: BitwiseCopyable {
        var magic: UInt64 = 0
        var version: UInt32 = 3
        var recordSize = UInt32(MemoryLayout<Record>.stride)
        var bootID: [40 of UInt8] = .init(repeating: 0)
        /// What makes this engine's sessions go on after its death: its SSRC, and where its clock began.
        var ssrc: UInt32 = 0
        var nextID: UInt64 = 1
        var clockEpoch: UInt64 = 0

        static let magic: UInt64 = 0x4D48_5345_5353_0A1A
    }

    private let file: MappedFile
    private let header: UnsafeMutablePointer<Header>
    private let records: UnsafeMutablePointer<Record>
    private var free: [Int] = []
    /// Whether an engine before this one left the table.
    let isInherited: Bool

    var failure: Errno? { file.failure }

    /// `path` nil keeps the table in memory alone.
    init(path: String?, random: inout some RandomNumberGenerator) {
        let size = Self.recordsAt + Self.capacity * MemoryLayout<Record>.stride
        file = MappedFile(path: path ?? "", size: size, keepsShorter: true)
        header = file.memory.bindMemory(to: Header.self, capacity: 1)
        records = (file.memory + Self.recordsAt).bindMemory(to: Record.self, capacity: Self.capacity)
        var fresh = Header()
        let boot = ProcessIdentity.currentBootID ?? ""
        for (index, byte) in boot.utf8.prefix(40).enumerated() { fresh.bootID[index] = byte }
        let old = header.pointee
        let isOfThisBoot =
            old.magic == Header.magic && (0..<40).allSatisfy { old.bootID[$0] == fresh.bootID[$0] }
        let isOfVersion2 = isOfThisBoot && old.version == 2 && old.recordSize == Self.sizeInVersion2
        if isOfVersion2 { Self.widen(file.memory) }
        isInherited =
            isOfVersion2 || isOfThisBoot && old.version == fresh.version && old.recordSize == fresh.recordSize
        if !isInherited {
            for index in 0..<Self.capacity { records[index].isTaken = 0 }
            fresh.ssrc = random.next()
            // Below 2^46, so that the clock stays below 2^48 for ever; the upper bits are what a stranger cannot guess.
            fresh.clockEpoch = UInt64(UInt32.random(in: 1 << 20...(.max), using: &random)) << 14
            header.pointee = fresh
            header.pointee.magic = Header.magic
        }
        for index in (0..<Self.capacity).reversed() where records[index].isTaken != 1 { free.append(index) }
        // Of an engine before hubs were known by it, to whom nobody has a session any more.
        if free.count == Self.capacity { header.pointee.ssrc = SSRC.ofHub(header.pointee.ssrc).rawValue }
    }

    /// An engine of the version before was killed, and this one is the next, as after an upgrade: who was there stays. The
    /// records of version 2 begin as ours do, and lie closer together.
    private static func widen(_ memory: UnsafeMutableRawPointer) {
        let header = memory.assumingMemoryBound(to: Header.self)
        // No table at all as long as this is half done.
        header.pointee.magic = 0
        let size = MemoryLayout<Record>.stride
        for index in (0..<capacity).reversed() {
            let record = memory + recordsAt + index * size
            record.copyMemory(from: memory + recordsAt + index * sizeInVersion2, byteCount: commonSize)
            (record + commonSize).initializeMemory(as: UInt8.self, repeating: 0, count: size - commonSize)
        }
        (header.pointee.version, header.pointee.recordSize) = (Header().version, Header().recordSize)
        header.pointee.magic = Header.magic
    }
    private static let sizeInVersion2 = 5856
    private static let commonSize = MemoryLayout<Record>.offset(of: \Record.clock)!  // a stored property has one

    var ssrc: SSRC { SSRC(header.pointee.ssrc) }
    /// In 100 µs ticks, added to the monotonic clock's.
    var clockEpoch: UInt64 { header.pointee.clockEpoch }

    func makeID() -> UInt64 {
        defer { header.pointee.nextID += 1 }
        return header.pointee.nextID
    }

    /// Those whom a killed engine has left.
    var taken: [Int] { (0..<Self.capacity).filter { records[$0].isTaken == 1 } }

    func isTaken(_ index: Int) -> Bool { records[index].isTaken == 1 }

    /// Where a record lies: it is written in place, packet by packet.
    func record(_ index: Int) -> UnsafeMutablePointer<Record> { records + index }

    /// Where that part of it lies which is the member's.
    func state(_ index: Int) -> UnsafeMutablePointer<Member.State> {
        UnsafeMutableRawPointer(records + index).advanced(by: Self.stateOffset)
            .assumingMemoryBound(to: Member.State.self)
    }
    private static let stateOffset = MemoryLayout<Record>.offset(of: \Record.state)!  // a stored property has one

    var isFull: Bool { free.isEmpty }

    /// A place that will be forgotten if the engine dies before `commit`; nil where the table is full.
    func reserve() -> Int? { free.popLast() }

    /// From now on the record outlives the engine.
    func commit(_ index: Int) { records[index].isTaken = 1 }

    func release(_ index: Int) {
        records[index].isTaken = 0
        free.append(index)
    }
}
