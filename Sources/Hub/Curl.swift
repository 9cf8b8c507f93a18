import Foundation
package import Linux

/// One HTTP request by curl(1) as a child: nothing here speaks TLS. Address, headers and body go to its standard input, as
/// a configuration, and never to its command line, which everybody on the machine can read.
package struct Curl: Sendable {
    package enum Outcome: Equatable, Sendable {
        case answered(status: Int, body: [UInt8])
        /// Why there was no answer, in words without the address: it may hold a secret.
        case failed(String)
    }

    package var url: String
    package var method = "GET"
    /// `Name: value`.
    package var headers: [String] = []
    package var body: String?
    /// For everything together; nil for as long as it takes.
    package var seconds: Int? = 10
    /// What is kept of an answer.
    package var longest = 16 << 20
    package var discardsBody = false

    package init(url: String, method: String = "GET") { (self.url, self.method) = (url, method) }

    package static var path: String? { Programs.find("curl") }
    package static let missing = "curl is not installed (apt install curl)"

    /// Blocks until it is answered.
    package func run(curl: String? = Self.path) -> Outcome {
        guard let curl else { return .failed(Self.missing) }
        do throws(Errno) {
            let limit = Duration.seconds(seconds.map { $0 + 5 } ?? 3600)
            let (output, exit) = try program(curl, flags: [#"write-out = "\n%{http_code}""#])
                .run(limit: limit, longest: longest + 4)
            guard exit == .code(0) else { return .failed(Self.text(for: exit)) }
            guard let end = output.lastIndex(of: UInt8(ascii: "\n")),
                let status = Int(String(decoding: output[(end + 1)...], as: UTF8.self))
            else { return .failed("its answer is too long") }
            return .answered(status: status, body: Array(output[..<end]))
        } catch { return .failed("curl cannot be run: \(error.reason)") }
    }

    /// The answer's body by a pipe, for as long as it flows; a status of 400 and more ends it at once.
    package func stream(curl: String) throws(Errno) -> ChildProgram.Piped {
        try program(curl, flags: ["no-buffer", "fail"]).spawnPiped()
    }

    private func program(_ curl: String, flags: [String]) -> ChildProgram {
        var program = ChildProgram(
            path: curl, arguments: ["-q", "--config", "-"],
            // A proxy and certificates of the machine's.
            environment: Programs.environment.filter { name, _ in
                name.lowercased().hasSuffix("_proxy") || name.hasPrefix("SSL_CERT_")
                    || ["PATH", "CURL_CA_BUNDLE"].contains(name)
            },
            output: nil)
        // A proxy is never meant for this machine itself.
        let told = Programs.environment["no_proxy"] ?? Programs.environment["NO_PROXY"] ?? ""
        let direct = told == "*" ? told : "\(told),localhost,127.0.0.1,::1"
        program.input = Array(configuration(flags + ["noproxy = \(Self.quoted(direct))"]).utf8)
        return program
    }

    /// curl's manual, "--config": a line an option.
    func configuration(_ flags: [String] = []) -> String {
        var lines = [
            "url = \(Self.quoted(url))", "request = \(method)", "proto = \"=http,https\"", "globoff", "silent",
        ]
        lines += headers.map { "header = \(Self.quoted($0))" }
        if let body { lines.append("data-raw = \(Self.quoted(body))") }
        lines.append("connect-timeout = \(min(seconds ?? 10, 10))")
        if let seconds { lines.append("max-time = \(seconds)") }
        if discardsBody { lines.append("output = \"/dev/null\"") }
        return (lines + flags).joined(separator: "\n") + "\n"
    }

    /// In quotes, backslash escapes quotes, backslashes and line ends.
    private static func quoted(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return "\"\(result)\""
    }

    /// By curl's manual, "EXIT CODES".
    package static func text(for exit: ChildExit) -> String {
        switch exit {
        case .code(3): "its address is malformed"
        case .code(5): "the proxy's name is not known"
        case .code(6): "its name is not known"
        case .code(7): "nobody answers there"
        case .code(22): "it answered with an error"
        case .code(28): "no answer in time"
        case .code(35): "no secure connection came about"
        case .code(51), .code(60): "its certificate is not trusted"
        case .code(52): "it closed the connection without an answer"
        case .code(18), .code(55), .code(56): "the connection broke"
        case .signal(9): "no answer in time"
        case .code, .signal, .unknown: "curl ended with \(exit)"
        }
    }
}
