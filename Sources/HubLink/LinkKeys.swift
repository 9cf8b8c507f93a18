/// The keys of one sealed session: drawn from the secret that two hubs share and from what each of them has thrown in for
/// this session alone, so that no key is ever used by two sessions, also after a restart.
package struct LinkKeys: Sendable {
    /// What a secret must have at least.
    package static let shortestSecret = 16
    /// What each side draws at random, in octets.
    package static let drawSize = 16

    /// The number that stands in each datagram.
    package let number: UInt32
    /// Of what the hub that asked for the session sends, and of what the other one sends: 32 octets each.
    package let fromAsking: [UInt8]
    package let fromAsked: [UInt8]

    /// `derive` is HKDF with SHA-256 (RFC 5869): of a secret, a salt and a purpose, so many octets. nil where the secret
    /// has too few characters, or a draw too few octets.
    package init?(
        secret: String, asking: [UInt8], asked: [UInt8],
        derive: (_ secret: [UInt8], _ salt: [UInt8], _ purpose: [UInt8], _ count: Int) -> [UInt8]
    ) {
        guard secret.count >= Self.shortestSecret, asking.count >= Self.drawSize, asked.count == asking.count else {
            return nil
        }
        let octets = derive(Array(secret.utf8), asking + asked, Array("midihub MHT 1".utf8), 68)
        number = octets[0..<4].reduce(0) { $0 << 8 | UInt32($1) }
        (fromAsking, fromAsked) = (Array(octets[4..<36]), Array(octets[36..<68]))
    }
}
