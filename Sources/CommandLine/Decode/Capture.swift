/// Packets from a file: a classic pcap capture, or lines. Pure: octets in, datagrams out.
struct Capture {
    /// What is wrong with the file as such, in words.
    struct Unreadable: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    private(set) var datagrams: [CapturedDatagram] = []
    /// Set where a capture ends in the middle of a frame; what came before was read.
    private(set) var remark: String?

    init(_ octets: [UInt8]) throws(Unreadable) {
        if let file = PcapFile(octets) {
            datagrams = file.datagrams
            remark = file.remark
            if let error = file.error { throw Unreadable(description: error) }
        } else if octets.starts(with: [0x0A, 0x0D, 0x0D, 0x0A]) {
            throw Unreadable(description: "a pcapng file; save it as pcap (`editcap -F pcap IN OUT`)")
        } else {
            datagrams = try Self.lines(octets)
        }
    }

    private static func lines(_ octets: [UInt8]) throws(Unreadable) -> [CapturedDatagram] {
        var datagrams: [CapturedDatagram] = []
        var number = 0
        for line in octets.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            let fields = line.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            guard let first = fields.first, first.first != 0x23 else { continue }
            var channel: String?
            var sender: String?
            var digits: [UInt8] = []
            for word in fields {
                let text = String(decoding: word, as: UTF8.self)
                if word.first == 0x40 {
                    sender = String(text.dropFirst())
                } else if channel == nil {
                    let parts = text.split(separator: "@", maxSplits: 1)
                    channel = parts.first.map(String.init)
                    if parts.count > 1 { sender = String(parts[1]) }
                } else {
                    digits += word
                }
            }
            guard let channel, channel == "control" || channel == "data" else {
                throw Unreadable(description: "line \(number) begins with neither \"control\" nor \"data\"")
            }
            guard let packet = bytes(digits) else {
                throw Unreadable(description: "line \(number) has something else than pairs of hex digits")
            }
            datagrams.append(CapturedDatagram(isControl: channel == "control", sender: sender, octets: packet))
        }
        return datagrams
    }
    private static func bytes(_ digits: [UInt8]) -> [UInt8]? {
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[index]), let low = value(digits[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }
}
