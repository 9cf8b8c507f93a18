import Devices
import Rooms
import Sequencer
import Testing

@Suite struct DeviceSeatsTests {
    private func apc(_ client: UInt8, at place: String, port: UInt8 = 0, appearance: UInt32 = 0) -> Device {
        Device(
            address: .init(client: client, port: port), appearance: appearance, client: "APC40",
            port: "APC40 MIDI \(port + 1)", card: Int(client) - 20, place: place)
    }
    private func wish(_ match: String, room: String = "Main", name: String? = nil, except: [String]? = nil)
        -> DeviceSeats.Wish
    {
        DeviceSeats.Wish(DevicePlan(match: match, name: name, except: except), room: room)!
    }
    private func names(_ seats: DeviceSeats) -> [String: UInt8?] {
        Dictionary(uniqueKeysWithValues: seats.seats.map { ($0.name, $0.device?.address.client) })
    }

    @Test func `a device is called as the configuration says, else as ALSA calls its client`() {
        var seats = DeviceSeats()
        seats.follow([apc(24, at: "usb1")], [wish("APC*", name: "Lights")])
        #expect(names(seats) == ["Lights": 24])
        seats.follow([apc(24, at: "usb1")], [wish("APC*")])
        #expect(names(seats) == ["APC40": 24])
    }

    @Test func `one that is plugged in again has its seat, whatever its card's number`() {
        var seats = DeviceSeats()
        let wishes = [wish("APC40")]
        seats.follow([apc(24, at: "usb1")], wishes)
        let seat = seats.seats[0].id
        seats.follow([], wishes)
        #expect(names(seats) == ["APC40": nil])
        seats.follow([apc(32, at: "usb1", appearance: 1)], wishes)
        #expect(names(seats) == ["APC40": 32])
        #expect(seats.seats[0].id == seat)
    }

    @Test func `of two equal ones each keeps its number, whichever is away`() {
        var seats = DeviceSeats()
        let wishes = [wish("APC40")]
        let (one, two) = (apc(24, at: "usb1"), apc(28, at: "usb2"))
        seats.follow([one, two], wishes)
        #expect(names(seats) == ["APC40": 24, "APC40 2": 28])
        seats.follow([two], wishes)
        #expect(names(seats) == ["APC40": nil, "APC40 2": 28])
        seats.follow([two, apc(36, at: "usb1")].reversed(), wishes)
        #expect(names(seats) == ["APC40": 36, "APC40 2": 28])
        seats.follow([apc(24, at: "usb2"), apc(28, at: "usb1")], wishes)
        #expect(names(seats) == ["APC40": 28, "APC40 2": 24])
    }

    @Test func `of two equal programs, which no place tells apart, the one that stays keeps its number`() {
        var seats = DeviceSeats()
        let (one, two) = (apc(130, at: ""), apc(131, at: ""))
        seats.follow([one, two], [wish("APC40")])
        seats.follow([two], [wish("APC40")])
        #expect(names(seats) == ["APC40": nil, "APC40 2": 131])
        seats.follow([apc(130, at: "", appearance: 1), two], [wish("APC40")])
        #expect(names(seats) == ["APC40": 130, "APC40 2": 131])
    }

    @Test func `one that is plugged in elsewhere takes the seat that is free`() {
        var seats = DeviceSeats()
        let wishes = [wish("APC40")]
        seats.follow([apc(24, at: "usb1"), apc(28, at: "usb2")], wishes)
        seats.follow([apc(28, at: "usb2")], wishes)
        seats.follow([apc(28, at: "usb2"), apc(24, at: "usb9")], wishes)
        #expect(names(seats) == ["APC40": 24, "APC40 2": 28])
    }

    @Test func `the ports of one device are members of their own`() {
        var seats = DeviceSeats()
        seats.follow([apc(24, at: "usb1"), apc(24, at: "usb1", port: 1)], [wish("APC40")])
        #expect(seats.seats.map(\.name) == ["APC40", "APC40 2"])
        #expect(seats.seats.map { $0.device?.address.port } == [0, 1])
    }

    @Test func `of two wishes that take one device the first has it`() {
        var seats = DeviceSeats()
        seats.follow([apc(24, at: "usb1")], [wish("APC40", room: "A"), wish("*", room: "B")])
        #expect(seats.seats.map(\.room) == ["A"])
    }

    @Test func `what a pattern of another process takes is left to it`() {
        var seats = DeviceSeats()
        seats.follow([apc(24, at: "usb1")], [wish("*", except: ["APC40"])])
        #expect(seats.seats.isEmpty)
    }

    @Test func `a wish that is taken back takes its seats with it`() {
        var seats = DeviceSeats()
        seats.follow([apc(24, at: "usb1")], [wish("APC40")])
        seats.follow([apc(24, at: "usb1")], [])
        #expect(seats.seats.isEmpty)
        seats.follow([apc(24, at: "usb1")], [wish("APC40", room: "Other")])
        #expect(seats.seats.map(\.room) == ["Other"])
    }

    @Test(arguments: [("AP\u{1B}[2JC40\u{202E}", "AP[2JC40"), ("", "device"), ("\n", "device")])
    func `what would steer a terminal is in nobody's name`(client: String, name: String) {
        var seats = DeviceSeats()
        seats.follow([Device(address: .init(client: 24, port: 0), client: client, port: "1")], [wish("*")])
        #expect(seats.seats.map(\.name) == [name])
    }

    @Test func `a name of any length leaves room for its number`() {
        var seats = DeviceSeats()
        let long = String(repeating: "\u{1F941}", count: 40)
        let devices = [UInt8(24), 25].map {
            Device(address: .init(client: $0, port: 0), client: long, port: "1", place: "usb\($0)")
        }
        seats.follow(devices, [wish("*")])
        #expect(seats.seats.map(\.name.utf8.count) == [56, 58])
    }

    @Test func `programs under ever new names do not fill the memory`() {
        var seats = DeviceSeats()
        for number in 0..<1000 {
            let program = Device(address: .init(client: 130, port: 0), client: "program \(number)", port: "1")
            seats.follow([program], [wish("*")])
        }
        #expect(seats.seats.count <= 256)
        #expect(seats.seats.last?.device != nil)
    }
}
