import Linux
import Rtpmidid

extension EngineProcess {
    /// Removing the listener is the only way to have BYE said to every participant (Rtpmidid.docc/ControlSocket.md).
    func dismissEveryone(_ done: @escaping () -> Void) {
        control.ask(ControlRequest.status.bytes, timeout: .seconds(1)) { [unowned self] answer in
            var listeners: [Int] = []
            if case .success(let bytes) = answer, case .status(let status) = ControlReply(bytes),
                let id = status.listener?.id
            {
                listeners = status.clients.map(\.id) + [id]
            }
            // Its one listener is the first thing that our ini makes, so its id is known where `status` cannot be had.
            if listeners.isEmpty { listeners = [1] }
            var left = listeners.count
            for id in listeners {
                control.ask(ControlRequest.remove(id).bytes, timeout: .seconds(1)) { _ in
                    left -= 1
                    if left == 0 { done() }
                }
            }
        }
    }
}
