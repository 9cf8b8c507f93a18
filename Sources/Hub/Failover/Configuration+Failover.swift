import Client

extension Configuration {
    /// `wrong` says it with the line of the entry.
    func checkFailover(_ wrong: (String) -> ConfigurationError) throws(ConfigurationError) {
        guard let failover else { return }
        if isOwn(failover.with.name, failover.with.port) {
            throw wrong("\(failover.address) is this hub itself: name the other one")
        }
    }
}
