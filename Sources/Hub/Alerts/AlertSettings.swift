/// Which webhook is told of alerts, and from which figures on.
package struct AlertSettings: Equatable, Sendable {
    /// The webhook's; may hold a secret, and is shown and logged nowhere.
    package var url: String
    /// Milliseconds; 0 for never, here and below.
    package var rtt = 100.0
    /// Percent of a participant's packets in the last minute.
    package var loss = 2.0
    /// How long a figure must be over its limit, and below it again, in seconds.
    package var patience = 30.0
    /// Percent of the state directory's disk that are used.
    package var disk = 95.0

    package init(url: String) { self.url = url }
}
