import Glibc
import Store

extension Hub {
    func handle(signal: CInt) {
        switch signal {
        case SIGHUP:
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
