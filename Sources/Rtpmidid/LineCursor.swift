/// One line's bytes, consumed from both ends while a grammar is matched against them. It borrows the reader's buffer
/// and lives no longer than the call that reads the line.
struct LineCursor {
    private let base: UnsafeRawPointer
    private var start: Int
    private var end: Int

    init(_ base: UnsafeRawPointer, _ range: Range<Int>) {
        self.base = base
        start = range.lowerBound
        end = range.upperBound
    }

    var count: Int { end - start }
    var isEmpty: Bool { start == end }
    /// The byte at an index that the caller knows to be inside.
    subscript(_ index: Int) -> UInt8 {
        precondition(index >= 0 && index < count, "outside the line")
        return base.load(fromByteOffset: start + index, as: UInt8.self)
    }

    /// A copy of what is left, not more than `LogReader.longestText` bytes of it.
    var text: RawText {
        let length = min(count, LogReader.longestText)
        return RawText(Array(UnsafeRawBufferPointer(start: base + start, count: length)))
    }
    /// A copy of all that is left.
    var name: RawText { RawText(Array(UnsafeRawBufferPointer(start: base + start, count: count))) }

    func hasPrefix(_ word: StaticString) -> Bool {
        word.utf8CodeUnitCount <= count && equals(word, at: start)
    }

    func hasSuffix(_ word: StaticString) -> Bool {
        word.utf8CodeUnitCount <= count && equals(word, at: end - word.utf8CodeUnitCount)
    }

    func isExactly(_ word: StaticString) -> Bool { word.utf8CodeUnitCount == count && equals(word, at: start) }

    mutating func consume(_ word: StaticString) -> Bool {
        guard hasPrefix(word) else { return false }
        start += word.utf8CodeUnitCount
        return true
    }

    mutating func consumeLast(_ word: StaticString) -> Bool {
        guard hasSuffix(word) else { return false }
        end -= word.utf8CodeUnitCount
        return true
    }

    /// Consumes the bytes at the front for which the test holds, and returns how many.
    @discardableResult
    mutating func consume(while test: (UInt8) -> Bool) -> Int {
        let before = start
        while start < end, test(base.load(fromByteOffset: start, as: UInt8.self)) { start += 1 }
        return start - before
    }

    /// The same from the back.
    @discardableResult
    mutating func consumeLast(while test: (UInt8) -> Bool) -> Int {
        let before = end
        while end > start, test(base.load(fromByteOffset: end - 1, as: UInt8.self)) { end -= 1 }
        return before - end
    }

    /// A decimal number at the front: 1 to 10 digits, no needless zero.
    mutating func readNumber() -> Int? {
        let from = start
        return number(digits: consume(while: Self.isDigit), at: from)
    }

    mutating func readLastNumber() -> Int? {
        let digits = consumeLast(while: Self.isDigit)
        return number(digits: digits, at: end)
    }

    private func number(digits: Int, at first: Int) -> Int? {
        guard 1...10 ~= digits else { return nil }
        var value = 0
        for index in 0..<digits {
            value = value * 10 + Int(base.load(fromByteOffset: first + index, as: UInt8.self) - 0x30)
        }
        return digits > 1 && base.load(fromByteOffset: first, as: UInt8.self) == 0x30 ? nil : value
    }

    /// A 32-bit number in capital hexadecimal digits at the front, no needless zero.
    mutating func readHex() -> UInt32? {
        let from = start
        let digits = consume { Self.isDigit($0) || (0x41...0x46 ~= $0) }
        guard 1...8 ~= digits else { return nil }
        if digits > 1, base.load(fromByteOffset: from, as: UInt8.self) == 0x30 { return nil }
        var value: UInt32 = 0
        for index in 0..<digits {
            let digit = base.load(fromByteOffset: from + index, as: UInt8.self)
            value = value << 4 | UInt32(digit < 0x41 ? digit - 0x30 : digit - 0x37)
        }
        return value
    }

    /// Splits at the first `word`: what stands before it is returned, what stands behind it is left.
    mutating func read(until word: StaticString) -> LineCursor? {
        let length = word.utf8CodeUnitCount
        guard count >= length else { return nil }
        let first = word.utf8Start[0]
        for index in start...(end - length)
        where base.load(fromByteOffset: index, as: UInt8.self) == first && equals(word, at: index) {
            let before = LineCursor(base, start..<index)
            start = index + length
            return before
        }
        return nil
    }

    func contains(_ word: StaticString) -> Bool {
        var copy = self
        return copy.read(until: word) != nil
    }

    mutating func drop(_ length: Int) {
        precondition(length <= count, "outside the line")
        start += length
    }

    mutating func dropLast(_ length: Int) {
        precondition(length <= count, "outside the line")
        end -= length
    }

    /// The first `length` bytes alone.
    func prefix(_ length: Int) -> LineCursor {
        precondition(length <= count, "outside the line")
        return LineCursor(base, start..<(start + length))
    }

    /// The last `length` bytes alone.
    func suffix(_ length: Int) -> LineCursor {
        precondition(length <= count, "outside the line")
        return LineCursor(base, (end - length)..<end)
    }

    func sameBytes(as other: LineCursor) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count {
            let mine = base.load(fromByteOffset: start + index, as: UInt8.self)
            if mine != other.base.load(fromByteOffset: other.start + index, as: UInt8.self) { return false }
        }
        return true
    }

    private func equals(_ word: StaticString, at first: Int) -> Bool {
        let letters = word.utf8Start
        for index in 0..<word.utf8CodeUnitCount
        where base.load(fromByteOffset: first + index, as: UInt8.self) != letters[index] {
            return false
        }
        return true
    }

    static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }
    static func isCapital(_ byte: UInt8) -> Bool { 0x41...0x5a ~= byte || byte == 0x5f }
}
