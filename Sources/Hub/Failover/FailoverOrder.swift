/// What a person may order of two hubs that are a pair. A word of the API and of the command line.
package enum FailoverOrder: String, Hashable, Sendable, CaseIterable {
    /// The hub that does not speak is to.
    case `switch`
    /// This hub is not to speak, since somebody works on it; it may again.
    case mute, unmute
    /// The next note that is played is to be an order to switch.
    case learn
}
