import Foundation
import Glibc
import Hub
import Linux

/// `midihub decode`: what the packets of a capture say, a JSON object a line.
enum DecodeCommand {
    static func run(_ options: Options) -> ExitCode {
        guard options.operands.count <= 1 else {
            Output.complain("decode takes one file")
            return .misuse
        }
        let name = options.operands.first ?? "-"
        let octets: [UInt8]
        do throws(Errno) {
            octets = try read(name)
        } catch {
            Output.complain("\(name == "-" ? "standard input" : name) cannot be read: \(error.reason)")
            return .unavailable
        }
        let capture: Capture
        do throws(Capture.Unreadable) {
            capture = try Capture(octets)
        } catch {
            Output.complain("\(name): \(error)")
            return .misuse
        }
        var replay = options.replay ? Replay() : nil
        for (index, datagram) in capture.datagrams.enumerated() {
            Output.line(line(datagram, index, replay?.emissions(of: datagram)))
        }
        if let remark = capture.remark { Output.complain("\(name): \(remark)") }
        return .well
    }

    /// All of it, of a file, a pipe or standard input, waiting for what is still to come.
    private static func read(_ name: String) throws(Errno) -> [UInt8] {
        let file =
            name == "-" ? Descriptor(owning: 0) : try Descriptor("open", name) { open(name, O_RDONLY | O_CLOEXEC) }
        var octets: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(file.number, &buffer, buffer.count)
            if count == 0 { return octets }
            if count > 0 {
                octets += buffer[..<count]
            } else if errno != EINTR {
                throw Errno(code: errno, call: "read")
            }
        }
    }

    /// Keys in alphabetical order, so that equal packets are equal lines.
    static func line(_ datagram: CapturedDatagram, _ index: Int, _ emissions: [[String: Any]]?) -> String {
        let judgement = PacketWords.judge(datagram.octets, isControl: datagram.isControl)
        var object: [String: Any] = [
            "index": index, "channel": datagram.isControl ? "control" : "data", "verdict": judgement.verdict,
            "reason": judgement.reason.map { $0 as Any } ?? DecodedValue.null, "decoded": judgement.decoded,
        ]
        object["emit"] = emissions
        object["sender"] = datagram.sender
        object["receiver"] = datagram.receiver
        object["frame"] = datagram.frame
        object["time"] = datagram.time.map { Double($0 / 1000) / 1_000_000 }
        guard
            let data = try? JSONSerialization.data(
                withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        else { return "{\"index\":\(index)}" }
        return String(decoding: data, as: UTF8.self)
    }
}
