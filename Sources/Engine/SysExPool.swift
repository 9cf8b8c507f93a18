import RTPMIDI

/// A few buffers in which system exclusive messages are gathered and from which they are sent on, shared by all
/// participants. A message is stored whole before it is forwarded, so that one that never ends blocks nobody.
final class SysExPool {
    static let count = 16
    private static let longest = Pacing.longest

    private let memory: UnsafeMutablePointer<UInt8>
    private var lengths = [Int](repeating: 0, count: count)
    private var users = [Int](repeating: 0, count: count)

    init() { memory = .allocate(capacity: Self.count * Self.longest) }
    deinit { memory.deallocate() }

    /// An empty buffer with one user; nil where all are in use.
    func claim() -> Int? {
        guard let index = users.firstIndex(of: 0) else { return nil }
        users[index] = 1
        lengths[index] = 0
        return index
    }

    /// False where the message has become too long.
    func append(_ bytes: UnsafeRawBufferPointer, to index: Int) -> Bool {
        guard lengths[index] + bytes.count <= Self.longest else { return false }
        UnsafeMutableRawPointer(memory + index * Self.longest + lengths[index])
            .copyMemory(from: bytes.baseAddress ?? UnsafeRawPointer(memory), byteCount: bytes.count)
        lengths[index] += bytes.count
        return true
    }

    func retain(_ index: Int) { users[index] += 1 }
    func release(_ index: Int) { users[index] -= 1 }

    func bytes(_ index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: memory + index * Self.longest, count: lengths[index])
    }
}
