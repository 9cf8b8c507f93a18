import Foundation
import Store

/// `midihub alert`: what is told to the webhook, and a test of it.
enum AlertCommand {
    static let explanation = """
        Shows what the hub tells the webhook of `alerts` in its configuration, and what goes on now.
          --test   send a test message to it; exit code 69 where it is not taken
        """

    static func run(_ options: Options) -> ExitCode {
        guard let configuration = options.configurationOrComplaint else { return .misuse }
        guard let settings = configuration.alerts else {
            Output.complain("no alerts are configured: alerts: { url: \"https://…\" } in the configuration")
            return .no
        }
        if options.test { return test(settings, configuration.name) }
        func limit(_ value: Double, _ unit: String) -> String {
            value > 0 ? String(format: "%g %@", value, unit) : "never"
        }
        Output.line(
            "Engine down, participant lost: told. Over a limit for \(String(format: "%g", settings.patience)) s:")
        Output.line("  round trip \(limit(settings.rtt, "ms")), loss \(limit(settings.loss, "%"))")
        Output.line("  disk \(limit(settings.disk, "% used"))")
        let (told, waiting) = Alerter.kept(in: options.stateDirectory)
        Output.line(told.isEmpty ? "Nothing goes on." : "What goes on:")
        for alert in told { Output.line("  \(Output.time(alert.at))  \(Output.safe(alert.text))") }
        if waiting > 0 { Output.line("Messages that wait to be delivered: \(waiting)") }
        return .well
    }

    private static func test(_ settings: AlertSettings, _ hub: String) -> ExitCode {
        var alert = Alert(.test, id: "test", at: Moment.now.milliseconds)
        alert.say("this is a test of its alerts", hub: hub)
        if let trouble = Alerter.trouble(Alerter.post(alert, to: settings.url)) {
            Output.complain("the webhook took no alert: \(trouble)")
            return .unavailable
        }
        Output.line("The webhook took the test message.")
        return .well
    }
}
