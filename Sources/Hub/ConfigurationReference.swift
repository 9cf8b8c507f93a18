/// The keys of the configuration, each with an example and its purpose, for the manual page.
package enum ConfigurationReference {
    package struct Key: Sendable {
        package let key: String
        package let example: String
        package let summary: String

        fileprivate init(_ setting: Setting<some Any>) {
            (key, example, summary) = (setting.key, setting.example, setting.summary)
        }
    }

    package static var file: [Key] { ConfigurationDraft.settings.map(Key.init) }
    package static var room: [Key] { ConfigurationDraft.roomSettings.map(Key.init) }
    package static var inputs: [Key] { ConfigurationInput.settings.map(Key.init) }
    package static var devices: [Key] { ConfigurationDevice.settings.map(Key.init) }
    package static var connect: [Key] { ConfigurationConnection.settings.map(Key.init) }
    package static var discover: [Key] { ConfigurationDiscovery.settings.map(Key.init) }
    package static var failover: [Key] { ConfigurationFailover.settings.map(Key.init) }
    package static var osc: [Key] { ConfigurationFailover.oscSettings.map(Key.init) }
    package static var note: [Key] { ConfigurationFailover.noteSettings.map(Key.init) }
    package static var alerts: [Key] { AlertSettings.settings.map(Key.init) }
    package static var tcp: [Key] { Configuration.tcpSettings.map(Key.init) }
}
