import Linux
import RTPMIDI
import TestSupport

/// What players receive, in order, as it was on the wire.
final class Recording {
    struct Datagram {
        let nanoseconds: UInt64
        let from: UInt16
        let to: UInt16
        let octets: [UInt8]
    }
    private(set) var datagrams: [Datagram] = []

    /// From now on all that comes to this player, from the hub on `port` and the one behind it.
    func add(_ player: TestPlayer, port: UInt16) {
        let (control, data) = (player.control.port, player.data.port)
        player.onDatagram = { [unowned self] path, octets in
            datagrams.append(
                Datagram(
                    nanoseconds: SystemTime.monotonicNanoseconds, from: path == .control ? port : port + 1,
                    to: path == .control ? control : data, octets: octets))
        }
    }

    /// A classic pcap file (draft-ietf-opsawg-pcap) of link type 101, raw IP: 24 octets, then for each datagram 16, and
    /// IPv4 and UDP headers. The checksums are 0, as of packets that never left the machine. `extra`: how many octets of 0
    /// to put behind a datagram that were never there.
    func pcap(extra: ([UInt8]) -> Int = { _ in 0 }) -> [UInt8] {
        var file = words(0xA1B2_C3D4, 0x0002_0004, 0, 0, 65535, 101)
        for one in datagrams {
            let octets = one.octets + [UInt8](repeating: 0, count: extra(one.octets))
            let udp = 8 + octets.count
            let time = one.nanoseconds / 1000
            file += words(UInt32(time / 1_000_000), UInt32(time % 1_000_000), UInt32(20 + udp), UInt32(20 + udp))
            file += words(0x4500_0000 | UInt32(20 + udp), 0, 0x4011_0000, 0x7F00_0001, 0x7F00_0001)
            file += words(UInt32(one.from) << 16 | UInt32(one.to), UInt32(udp) << 16) + octets
        }
        return file
    }

    private func words(_ words: UInt32...) -> [UInt8] {
        words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } }
    }
}
