import Foundation
import HTTP
import Hub
import Testing
import WebAPI

/// The text of `GET /metrics`; Prometheus' own judgement of it is asked in Tests/System/test-api.
@Suite struct MetricsTests {
    private func lines(_ names: [String]) throws -> [String] {
        var snapshot = SnapshotStore().snapshot
        let text = try names.enumerated().map { index, name in
            let quoted = String(decoding: try JSONEncoder().encode(name), as: UTF8.self)
            return """
                {"id": \(index + 1), "name": \(quoted), "room": "A \\"b\\" \\\\c", "port": 5004, "engine": "embedded",
                "state": "present", "since": 1, "sends": true, "receives": true, "address": "192.0.2.7",
                "received": 18446744073709551615, "lost": 3, "loss": 0.25, "jitter": 1.5,
                "rtt": {"last": 12.5, "average": 12, "min": 1, "max": 20, "samples": 3, "lastAt": 5}}
                """
        }
        snapshot.participants = try JSONDecoder().decode(
            [Snapshot.Participant].self, from: Data("[\(text.joined(separator: ","))]".utf8))
        let answer = Metrics.response(snapshot, HubCounters(), wrongTokens: 4)
        #expect(answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
        return String(decoding: answer.body, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func `figures are in base units, under the names of participants`() throws {
        let lines = try lines(["Piano"])
        let labels = #"{room="A \"b\" \\c",participant="Piano"}"#
        for wanted in [
            "midihub_participant_rtt_seconds\(labels) 0.0125", "midihub_participant_jitter_seconds\(labels) 0.0015",
            "midihub_participant_loss_ratio\(labels) 0.25", "midihub_participant_packets_lost_total\(labels) 3",
            "midihub_http_wrong_tokens_total 4", "midihub_store_up 1",
            #"midihub_build_info{version="\#(Version.text)"} 1"#,
        ] { #expect(lines.contains(wanted)) }
        #expect(!lines.contains { $0.contains("192.0.2.7") }, "addresses need the token")
    }

    @Test(arguments: ["a\nmidihub_store_up 0", "a\"} 1\nx 2", "\\", "\\n", "\"", "\r\n", "محمد", "\u{0}"])
    func `no name makes a line of its own`(name: String) throws {
        let (odd, plain) = (try lines([name]), try lines(["Piano"]))
        #expect(odd.count == plain.count)
        #expect(odd.contains { $0.hasPrefix("midihub_participant_rtt_seconds{") && $0.hasSuffix("\"} 0.0125") })
    }

    @Test func `twins differ by a number, and there is an end to the names of one answer`() throws {
        let twins = try lines(["Piano", "Piano", "Piano"]).filter { $0.hasPrefix("midihub_participant_rtt_seconds{") }
        #expect(twins.count == 3 && Set(twins).count == 3)
        #expect(twins.last?.contains(#"participant="Piano",twin="3""#) == true)
        let many = try lines((0..<700).map { "P\($0)" }).filter { $0.hasPrefix("midihub_participant_rtt_seconds{") }
        #expect(many.count == Metrics.mostParticipants)
    }
}
