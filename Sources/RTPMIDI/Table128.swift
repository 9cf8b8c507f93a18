/// 128 numbers, one for each note or controller, in memory that the owner of the cells frees. (An inline array is copied
/// whole at each look through a pointer, which took most of a packet's time.)
@safe package struct Table128<Element: FixedWidthInteger & BitwiseCopyable> {
    static var byteCount: Int { 128 * MemoryLayout<Element>.stride }
    private let start: UnsafeMutablePointer<Element>

    /// Takes the cells' memory from the front of `rest`. A cell is to be set before it is read.
    init(from rest: inout UnsafeMutableRawPointer) {
        unsafe start = rest.bindMemory(to: Element.self, capacity: 128)
        unsafe rest += Self.byteCount
    }
    init(from rest: inout UnsafeMutableRawPointer, filledWith value: Element) {
        unsafe self.init(from: &rest)
        unsafe start.initialize(repeating: value, count: 128)
    }

    subscript(index: Int) -> Element {
        get {
            precondition(index >= 0 && index < 128, "no such note or controller")
            return unsafe start[index]
        }
        nonmutating set {
            precondition(index >= 0 && index < 128, "no such note or controller")
            unsafe start[index] = newValue
        }
    }
    func fill(_ value: Element) { unsafe start.update(repeating: value, count: 128) }
}
