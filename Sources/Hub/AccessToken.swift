import Linux

/// The token by which somebody may change something over HTTP.
package enum AccessToken {
    /// `MIDIHUB_TOKEN`, which goes before every other.
    package static func inEnvironment(
        _ environment: [String: String] = Programs.environment
    ) throws(ConfigurationError) -> String? {
        guard let token = environment["MIDIHUB_TOKEN"], !token.isEmpty else { return nil }
        do throws(ConfigurationError) { return try Configuration.token(token) } catch {
            throw ConfigurationError("MIDIHUB_TOKEN: \(error.description)")
        }
    }

    /// The token of this hub: the environment's, else the configuration's, else one made at the first start and kept.
    package static func own(_ configuration: Configuration, state: StateDirectory) throws -> String {
        if let token = try inEnvironment() ?? configuration.token { return token }
        if let kept = File.text(state.token, limit: 4096)?.split(whereSeparator: \.isWhitespace).first,
            let token = try? Configuration.token(String(kept))
        {
            return token
        }
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789")
        let token = String((0..<32).map { _ in alphabet.randomElement(using: &random)! })  // the alphabet is not empty
        try File.replace(state.token, with: Array("\(token)\n".utf8), mode: 0o600)
        return token
    }
}
