import Linux

/// A few places that everybody shares, in the order in which they were taken. When there is none for one more, somebody
/// gives way, so that no address keeps the others out.
struct SharedPlaces<Holder: AnyObject> {
    private let count: Int
    private var taken: [(holder: Holder, network: SocketAddress)] = []

    init(_ count: Int) { self.count = count }

    var isFull: Bool { taken.count >= count }

    mutating func add(_ holder: Holder, from source: SocketAddress) { taken.append((holder, source.network)) }

    mutating func release(_ holder: Holder) { taken.removeAll { $0.holder === holder } }

    /// Who is to give way to one more from an address: the oldest of the address that would then have the most places, and
    /// of several such the oldest of all. `isOwn`: the newcomer's address is that one. nil where nobody is here.
    func yielding(to source: SocketAddress) -> (holder: Holder, isOwn: Bool)? {
        var shares = [source.network: 1]
        for one in taken { shares[one.network, default: 0] += 1 }
        let most = shares.values.max()
        return taken.first { shares[$0.network] == most }.map { ($0.holder, $0.network == source.network) }
    }
}
