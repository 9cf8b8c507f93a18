/// Header lines in the order they stand on the wire: `Name: value` CR LF each (RFC 9112 section 5).
///
/// Kept as the bytes themselves with an index of ranges, so that a request's headers cost no strings unless asked for,
/// and an answer's are ready to send. Names compare without case.
package struct Headers: Sendable, ExpressibleByDictionaryLiteral {
    struct Field: Sendable {
        var name: Range<Int>
        var value: Range<Int>

        init(name: Range<Int>, value: Range<Int>) { (self.name, self.value) = (name, value) }

        /// Of ranges in a buffer in which the header section begins at `base`.
        init(name: Range<Int>, value: Range<Int>, base: Int) {
            self.name = name.lowerBound - base..<name.upperBound - base
            self.value = value.lowerBound - base..<value.upperBound - base
        }
    }
    private(set) var bytes: [UInt8]
    private(set) var fields: [Field]

    package init() {
        bytes = []
        fields = []
    }

    /// Lines that a parser has found sound.
    init(bytes: [UInt8], fields: [Field]) {
        self.bytes = bytes
        self.fields = fields
    }

    package init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, value) in elements { append(name, value) }
    }

    package var count: Int { fields.count }

    /// The first value under that name; setting replaces every one, nil removes them.
    package subscript(name: String) -> String? {
        get { fields.first { names($0, name) }.map { text($0.value) } }
        set {
            if fields.contains(where: { names($0, name) }) { remove(name) }
            if let newValue { append(name, newValue) }
        }
    }

    /// Every value under that name, in order.
    package func values(of name: String) -> [String] { fields.filter { names($0, name) }.map { text($0.value) } }

    /// Every line as (name, value).
    package var all: [(name: String, value: String)] { fields.map { (text($0.name), text($0.value)) } }

    /// Adds a line. The name is ours, a token. The value may hold a stranger's words: a control character, which could
    /// end the line and begin another, becomes a space.
    package mutating func append(_ name: String, _ value: String) {
        precondition(!name.isEmpty && name.utf8.allSatisfy(Grammar.isToken), "\(name) is no header name")
        let start = bytes.count
        bytes += name.utf8
        let nameEnd = bytes.count
        bytes += [UInt8(ascii: ":"), UInt8(ascii: " ")]
        let valueStart = bytes.count
        for byte in value.utf8 { bytes.append(Grammar.isFieldText(byte) ? byte : UInt8(ascii: " ")) }
        fields.append(Field(name: start..<nameEnd, value: valueStart..<bytes.count))
        bytes += [UInt8(ascii: "\r"), UInt8(ascii: "\n")]
    }

    private mutating func remove(_ name: String) {
        let kept = all.filter { !Grammar.equal($0.name.utf8, name.utf8) }
        self = Headers()
        for (name, value) in kept { append(name, value) }
    }

    private func names(_ field: Field, _ name: String) -> Bool {
        field.name.count == name.utf8.count && Grammar.equal(bytes[field.name], name.utf8)
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
}
