import Glibc
import Linux

/// A MIDI controller on a USB cable: the kernel's own gadget (Documentation/usb/gadget_configfs.rst of the kernel, and
/// gadget-testing.rst on f_midi), in a socket of `dummy_hcd`, whose other end is this machine's own USB host. What is played
/// on it comes to the sequencer by `snd-usb-audio`, as from any controller; what is sent to it there arrives here as octets.
package final class USBController {
    /// Whether there are sockets, as in the virtual machine.
    package static var isPossible: Bool {
        access("/sys/class/udc/dummy_udc.1", F_OK) == 0 && access(gadgets, W_OK) == 0
    }
    private static let gadgets = "/sys/kernel/config/usb_gadget"

    /// What the product calls itself, and so its client in the sequencer.
    package let product: String
    /// 0 or 1.
    private let socket: Int
    private let directory: String
    private let card: String
    private var device: CInt = -1

    package init(_ product: String, socket: Int) throws {
        (self.product, self.socket) = (product, socket)
        card = "socket\(socket)"
        directory = "\(Self.gadgets)/\(card)"
        let function = "\(directory)/functions/midi.0"
        for place in ["", "/strings/0x409", "/configs/c.1", "/functions/midi.0"] {
            try retrying("make directory", directory + place) { mkdir(directory + place, 0o755) }
        }
        // The Linux Foundation's numbers for a gadget with several functions.
        try write("0x1d6b", "idVendor")
        try write("0x0104", "idProduct")
        try write("MIDI Hub tests", "strings/0x409/manufacturer")
        try write(product, "strings/0x409/product")
        try write(card, "functions/midi.0/id")
        let link = "\(directory)/configs/c.1/midi.0"
        try retrying("link", link) { symlink(function, link) }
    }

    deinit {
        unplug()
        unlink("\(directory)/configs/c.1/midi.0")
        for place in ["/functions/midi.0", "/configs/c.1", "/strings/0x409", ""] { rmdir(directory + place) }
    }

    /// Returns when the controller itself is on; the sequencer shows it a little later.
    package func plug() throws {
        try write("dummy_udc.\(socket)", "UDC")
        // The controller's own end is a sound card, too.
        try eventually("the controller \(product)", seen: text(of: "/proc/asound/cards")) {
            guard let target = try? link(at: "/proc/asound/\(card)") else { return false }
            device = open("/dev/snd/midiC\(target.dropFirst("card".count))D0", O_RDWR | O_NONBLOCK | O_CLOEXEC)
            return device >= 0
        }
        // The kernel keeps what comes from the first look on.
        _ = received()
    }

    /// Pulls the plug.
    package func unplug() {
        if device >= 0 { close(device) }
        device = -1
        try? write("\n", "UDC")
    }

    /// Somebody touches it. What it plays while nobody listens at the other end is lost after a few octets.
    package func play(_ message: [UInt8]) throws {
        try eventually("room in the controller's queue") {
            Glibc.write(device, message, message.count) == message.count
        }
    }

    /// Waits until so many octets have come to it, for its lights, and gives all that have.
    package func receives(_ expected: Int) throws -> [UInt8] {
        var received: [UInt8] = []
        try eventually("\(expected) octets at \(product)", seen: hex(received)) {
            received += self.received()
            return received.count >= expected
        }
        return received
    }

    /// What has come since it was asked last.
    package func received() -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = read(device, &buffer, buffer.count)
        return count > 0 ? Array(buffer[..<count]) : []
    }

    /// The number of the host's sound card that is such a product; nil while there is none.
    package static func card(of product: String) -> Int? {
        // ` 3 [mkII           ]: USB-Audio - APC40 mkII`
        for line in text(of: "/proc/asound/cards").split(separator: "\n") where line.hasSuffix(" - \(product)") {
            return Int(line.split(separator: " ")[0])
        }
        return nil
    }

    private func link(at path: String) throws -> String {
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0 else { throw WaitedInVain(description: "the link \(path)") }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    private func write(_ text: String, _ attribute: String) throws {
        let path = "\(directory)/\(attribute)"
        let file = try Descriptor("open", path) { open(path, O_WRONLY | O_CLOEXEC) }
        try file.writeAll(Array(text.utf8))
    }
}
