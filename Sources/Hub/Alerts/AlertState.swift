/// What the webhook is told.
package struct AlertState: Sendable {
    /// nil where no alerts are configured.
    package let settings: AlertSettings?
    /// What goes on, as it was told.
    package let told: [Alert]
    /// Messages that wait to be delivered.
    package let waiting: Int
}
