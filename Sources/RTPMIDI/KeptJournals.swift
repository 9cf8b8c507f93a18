/// The journals of single channels as they were last written. Most packets change one channel; the journals of the others
/// are copied from here. Only those are kept that say nothing of the packet just before them, since that is said
/// otherwise in the next packet, and only short ones.
@safe struct KeptJournals {
    /// The longest that is kept.
    static let longest = 64
    static var byteCount: Int { 16 * longest }

    private let octets: UnsafeMutableRawPointer
    /// A bit for each channel whose journal is kept.
    private var kept: UInt16 = 0

    /// Takes its memory from the front of `rest`; the owner frees it.
    init(from rest: inout UnsafeMutableRawPointer) {
        unsafe octets = rest
        unsafe octets.initializeMemory(as: UInt8.self, repeating: 0, count: Self.byteCount)
        unsafe rest += Self.byteCount
    }

    /// The journal of a channel, with room for `longest` octets behind the pointer.
    func journal(_ channel: Int) -> (octets: UnsafeRawPointer, count: Int)? {
        guard kept & 1 << UInt16(channel) != 0 else { return nil }
        let start = unsafe UnsafeRawPointer(octets + channel * Self.longest)
        // So short a journal's length is its second octet.
        return unsafe (start, Int(start.load(fromByteOffset: 1, as: UInt8.self)))
    }

    mutating func keep(_ journal: UnsafeRawBufferPointer, _ channel: Int) {
        guard let start = journal.baseAddress, journal.count <= Self.longest else { return }
        unsafe (octets + channel * Self.longest).copyMemory(from: start, byteCount: journal.count)
        kept |= 1 << UInt16(channel)
    }

    /// What the channel's journal tells has changed.
    mutating func forget(_ channel: Int) { kept &= ~(1 << UInt16(channel)) }
    mutating func forgetAll() { kept = 0 }
}
