import Linux
import RTPMIDI
import TestSupport

/// What players receive from a hub, in order.
final class Recording {
    struct Datagram {
        let nanoseconds: UInt64
        let player: UInt32
        let path: Session.Path
        let octets: [UInt8]
    }
    private(set) var datagrams: [Datagram] = []
    private var players: UInt32 = 0

    /// Records everything that comes to this player from now on.
    func add(_ player: TestPlayer) {
        players += 1
        player.onDatagram = { [unowned self, number = players] path, octets in
            datagrams.append(
                Datagram(nanoseconds: SystemTime.monotonicNanoseconds, player: number, path: path, octets: octets))
        }
    }

    /// A classic pcap file (draft-ietf-opsawg-pcap) of link type 101, raw IP: 24 octets, then for each datagram 16, and
    /// IPv4 and UDP headers. The checksums are 0, as of packets that never left the machine. Addresses and ports are not
    /// those of the test, whose ports change and may be well known as another protocol's: the hub is 10.0.0.0, ports 5004
    /// and 5005; the players are 10.0.0.1 and on, ports 6004 and 6005. `extra`: how many octets of 0 to put behind a
    /// datagram that were never there.
    func pcap(extra: ([UInt8]) -> Int) -> [UInt8] {
        var file = bytes(0xA1B2_C3D4, 0x0002_0004, 0, 0, 65535, 101)
        for one in datagrams {
            let octets = one.octets + [UInt8](repeating: 0, count: extra(one.octets))
            let udp = 8 + octets.count
            let time = one.nanoseconds / 1000
            file += bytes(UInt32(time / 1_000_000), UInt32(time % 1_000_000), UInt32(20 + udp), UInt32(20 + udp))
            file += bytes(0x4500_0000 | UInt32(20 + udp), 0, 0x4011_0000, 0x0A00_0000, 0x0A00_0000 + one.player)
            file += bytes(one.path == .control ? 5004 << 16 | 6004 : 5005 << 16 | 6005, UInt32(udp) << 16) + octets
        }
        return file
    }

    private func bytes(_ words: UInt32...) -> [UInt8] {
        words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } }
    }
}
