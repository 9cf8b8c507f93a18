import Foundation
import Hub
import Linux
import WebAPI

/// `midihub alert`: what is told to the webhook, and a test of it.
enum AlertCommand {
    static let explanation = """
        Shows what the running hub tells the webhook of `alerts` in its configuration, and what goes on now. Where no hub runs,
        or a configuration is named by --config, what that one says.
          --test   send a test message to it; exit code 69 where it is not taken
        """

    static func run(_ options: Options) -> ExitCode {
        let state = options.stateDirectory
        // A running hub is asked: it may have been started with another configuration than the file has now.
        if options.config == nil, FileLock.isHeld(state.lock) { return ask(HubClient(state), test: options.test) }
        guard let configuration = options.configurationOrComplaint else { return .misuse }
        if options.config == nil {
            Output.complain("no hub runs on \(state.path); this is what its configuration says")
        }
        guard let settings = configuration.alerts else { return none() }
        if options.test { return test(settings, configuration.name) }
        show(API.Alerts(Alerter.state(settings, leftIn: state)))
        return .well
    }

    private static func ask(_ client: HubClient, test: Bool) -> ExitCode {
        guard let alerts = client.get("/api/v1/alerts", as: API.Alerts.self) else { return client.complain() }
        guard alerts.limits != nil else { return none() }
        guard test else {
            show(alerts)
            return .well
        }
        guard let answer = client.post("/api/v1/alerts/test") else { return client.complain() }
        return ReloadCommand.show(answer)
    }

    private static func none() -> ExitCode {
        Output.complain("no alerts are configured: alerts: { url: \"https://…\" } in the configuration")
        return .no
    }

    private static func show(_ alerts: API.Alerts) {
        guard let limits = alerts.limits else { return }
        func limit(_ value: Double, _ unit: String) -> String {
            value > 0 ? String(format: "%g %@", value, unit) : "never"
        }
        Output.line("Engine down, participant lost: told. Over a limit for \(String(format: "%g", limits.patience)) s:")
        Output.line("  round trip \(limit(limits.rtt, "ms")), loss \(limit(limits.loss, "%"))")
        Output.line("  disk \(limit(limits.disk, "% used"))")
        Output.line(alerts.told.isEmpty ? "Nothing goes on." : "What goes on:")
        for alert in alerts.told { Output.line("  \(Output.time(alert.at))  \(Output.safe(alert.text))") }
        if alerts.waiting > 0 { Output.line("Messages that wait to be delivered: \(alerts.waiting)") }
    }

    private static func test(_ settings: AlertSettings, _ hub: String) -> ExitCode {
        if let problem = Alerter.problem(Alerter.post(.test(hub: hub), to: settings.url)) {
            Output.complain("the webhook took no alert: \(problem)")
            return .unavailable
        }
        Output.line("The webhook took the test message.")
        return .well
    }
}
