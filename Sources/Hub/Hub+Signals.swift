import Glibc
import Store

extension Hub {
    func handle(signal: CInt) {
        switch signal {
        case SIGHUP:
            if let lock = context.showLock, case .refused(let what) = lockRule(of: .reload) {
                context.note(.reloadFailed, severity: .warning, "SIGHUP: \(lock.refusal(of: what))")
                return
            }
            do throws(ConfigurationError) {
                context.note(.reload, try reload())
            } catch {
                context.note(
                    .reloadFailed, severity: .error, "The new configuration is not used: \(error.description)")
            }
        case SIGUSR2: leave()
        default: stop(because: "signal \(signal)")
        }
    }
}
