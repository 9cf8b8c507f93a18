extension EngineStatus {
    /// How it is with one peer whom a room invites. Instants are Unix milliseconds.
    package struct Call: Codable, Equatable, Sendable {
        /// Words of the log and of the API. The last result stands while it is tried again.
        package enum State: String, Codable, Sendable { case inviting, connected, refused, unreachable }

        package var room: String
        /// What the others see it as.
        package var name: String
        /// `HOST:PORT`, as it was written.
        package var to: String
        package var state: State
        /// Why it is not connected, or how it is, in words that follow its name.
        package var reason: String?
        /// What the host's name was last found to mean, with the port.
        package var address: String?
        /// When it came into this state.
        package var since: Int64
        /// Attempts without success since it was last connected.
        package var failures: Int
        /// When it is tried again; nil while that is under way or not needed.
        package var next: Int64?

        /// How long to wait after so many failures in a row: 1 s, twice as long each time, at most a minute.
        package static func wait(after failures: Int) -> Duration {
            .seconds(min(60, 1 << min(max(0, failures - 1), 6)))
        }

        package init(
            room: String, name: String, to: String, state: State, reason: String? = nil, address: String? = nil,
            since: Int64, failures: Int = 0, next: Int64? = nil
        ) {
            (self.room, self.name, self.to, self.state, self.reason) = (room, name, to, state, reason)
            (self.address, self.since, self.failures, self.next) = (address, since, failures, next)
        }
    }
}
