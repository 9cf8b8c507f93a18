/// The order in which rtpmidid walks its router's nodes: that of libstdc++'s hash table of small numbers, with the bucket
/// counts it really has. It decides the order of `status` and of the lines that a removal logs.
///
/// A new number goes to the front of its bucket's run, or to the front of everything; growing re-inserts all in order.
struct HashOrder {
    private(set) var numbers: [Int] = []
    private var buckets = 1

    mutating func insert(_ number: Int) {
        if let grown = Self.sizes.first(where: { $0 > numbers.count }), grown > buckets {
            let old = numbers
            numbers = []
            buckets = grown
            for number in old { link(number) }
        }
        link(number)
    }

    mutating func remove(_ number: Int) { numbers.removeAll { $0 == number } }

    private mutating func link(_ number: Int) {
        let run = numbers.firstIndex { $0 % buckets == number % buckets }
        numbers.insert(number, at: run ?? 0)
    }

    private static let sizes = [13, 29, 59, 127, 257, 541, 1109, 2357, 5087]
}
