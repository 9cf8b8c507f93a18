import Linux
import Store

/// Orders to switch two hubs that come by Open Sound Control. They pass the same gate as a person's at the page, and nobody
/// reads an answer: what stands against one is on record.
extension Hub {
    /// Opens and closes what the configuration says, and tries again what could not be opened.
    func followOSC() {
        let wanted = isStopping ? nil : context.configuration.failover?.osc
        guard oscDoor?.settings != wanted else { return }
        oscDoor?.close()
        oscDoor = nil
        guard let wanted else {
            oscTrouble = nil
            return
        }
        do throws(Errno) {
            oscDoor = try OSCDoor(wanted, loop: context.loop) { [unowned self] in heardOSC(from: $0, isAllowed: $1) }
            oscTrouble = nil
        } catch {
            let trouble = "Orders by OSC are not heard: \(wanted.listen): \(error.reason)"
            if oscTrouble != trouble { context.note(.pairOrder, severity: .warning, trouble) }
            oscTrouble = trouble
        }
    }

    private func heardOSC(from address: SocketAddress, isAllowed: Bool) {
        guard isAllowed else {
            // Whoever is refused may go on trying.
            guard oscRefusedAt.map({ $0.duration(to: .now) > .seconds(60) }) ?? true else { return }
            oscRefusedAt = .now
            return context.note(
                .pairOrder, severity: .warning, address: address.host,
                "An order by OSC is refused: its address is not in `allow`")
        }
        switchHubs(by: Author(osc: address.host), "An order by OSC")
    }
}
