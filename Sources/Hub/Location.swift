import Linux

/// Where a cloud machine stands, asked of its metadata service by `curl` as a child with a limit of one second in all.
package enum Location {
    /// The link-local address that EC2, GCE and Azure share.
    package static let service = "http://169.254.169.254"

    /// The region or zone, such as "eu-central-1a"; nil where no cloud answers in time. Blocks for at most about a second.
    package static func ask(_ base: String = service, curl: String? = Programs.find("curl")) -> String? {
        guard let curl else { return nil }
        // The three forms at once: which cloud it is, is not known before. The shell joins EC2's two steps.
        // Error messages are no answer.
        let script = """
            exec 2>/dev/null
            a() { t=$("$1" -sf -m 1 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$2/latest/api/token") &&
              "$1" -sf -m 1 -H "X-aws-ec2-metadata-token: $t" "$2/latest/meta-data/placement/availability-zone"; }
            g() { "$1" -sf -m 1 -H 'Metadata-Flavor: Google' "$2/computeMetadata/v1/instance/zone"; }
            z() { "$1" -sf -m 1 -H 'Metadata: true' "$2/metadata/instance/compute/location?api-version=2021-02-01&format=text"; }
            for f in a g z; do (r=$($f "$1" "$2") && echo "$r") & done; wait
            """
        let program = ChildProgram(
            path: "/bin/sh", arguments: ["-c", script, "location", curl, base],
            environment: ["PATH": "/usr/bin:/bin", "no_proxy": "*"],
            output: nil)
        guard let (output, _) = try? program.run(limit: .seconds(1)) else { return nil }
        return location(in: String(decoding: output, as: UTF8.self))
    }

    /// The first line that can be a place: GCE's form is `projects/N/zones/ZONE`. The answer is data from the network.
    static func location(in answer: String) -> String? {
        for line in answer.split(whereSeparator: \.isNewline) {
            guard let last = line.split(separator: "/").last, (1...40).contains(last.utf8.count) else { continue }
            if last.utf8.allSatisfy({ $0 == 45 || (48...57).contains($0) || (97...122).contains($0 | 32) }) {
                return String(last)
            }
        }
        return nil
    }
}
