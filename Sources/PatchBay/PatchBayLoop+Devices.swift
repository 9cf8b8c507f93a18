import Devices
import Linux
import Rooms
import Sequencer

/// Devices of this machine: ports that no engine has opened, which the rooms' plans take by their names.
extension PatchBayLoop {
    /// Looks at what is there, and who of it has which seat. A device that comes back has the seat that it had.
    func seatDevices() {
        guard !wishes.isEmpty || !seated.isEmpty else { return }
        let before = seats.seats
        seats.follow(DeviceWatch.list(announce).filter { engine(of: $0.address.client) == nil }, wishes)
        guard seats.seats != before else { return }
        seated = [:]
        for seat in seats.seats { if let device = seat.device { seated[device.address] = seat } }
        news.send(.seats(seats.seats))
    }

    /// The kernel opens a device's output only while somebody is subscribed to it, and drops what is sent there without: also
    /// what is to end there when its last wire has gone.
    func keepOpen(_ device: Port) {
        guard device.ability.receives else { return }
        if case .impossible(let code) = tap.subscribe(from: tapPort, to: device.address) {
            guard announce.port(at: device.address) != nil else { return }
            tell(ALSAError(code: code, call: "connecting", thing: "\(tapPort) to \(device.address)").description)
        }
    }

    /// A port that no engine has opened, where it has a seat.
    func device(_ facts: SequencerHandle.PortFacts) -> Candidate? {
        guard let seat = seated[facts.address] else { return nil }
        return Candidate(facts: facts, engine: .devices(of: seat.room), name: Array(seat.name.utf8))
    }
}

extension EngineSpec {
    /// The name of what stands for an engine where there is none: the devices of this machine, which no process has opened.
    package static let devices = "devices"
    static let nobody: Int32 = 0

    static func devices(of room: String) -> EngineSpec {
        EngineSpec(name: devices, pid: nobody, room: room, portIndex: 0, servicePorts: [])
    }

    var isOfDevices: Bool { pid == Self.nobody }
}
