import Linux
import Rtpmidid
import Testing

@Suite struct RtpmididStatusReplyTests {
    private func read(_ json: String) -> StatusReply? {
        if case .status(let status) = ControlReply(Array(json.utf8)) { status } else { nil }
    }

    @Test func `a reply of 26_01 is understood to the last field`() throws {
        let status = try RtpmididFixture.status("26.01-two-status-2-after.json")
        #expect(status.version == .v26_01 && status.versionText == "26.01" && status.listsParticipants)
        #expect(status.listener?.id == 1 && status.listener?.name == "midihub-5004")
        #expect(status.listener?.controlPort == 5004 && status.listener?.midiPort == 5005)
        #expect(status.participants.map(\.session.name) == ["Alice-keys", "Bob-keys"])
        let bob = try #require(status.participants.last)
        #expect(bob.session.ssrc == 23978 && bob.session.address == "127.0.0.1" && bob.session.port == 58726)
        #expect(bob.session.state == .connected && bob.session.sequence == [44491, 44043, 54522])
        let latency = try #require(bob.session.latency)
        #expect((latency.last, latency.average, latency.deviation) == (4500, 5650, 4668))
        let node = try #require(bob.nodes.first)
        #expect(bob.nodes.count == 1 && node.networkID == 5 && node.alsaID == 4 && node.port == 2)
        #expect(node.packetsIn == 2 && node.packetsOut == 448)
        #expect(status.otherSessions.isEmpty && status.loosePorts.isEmpty)
    }

    @Test func `every status and help reply of every version is read`() throws {
        for name in try RtpmididFixture.names(where: { $0.hasSuffix(".json") }) {
            let reply = ControlReply(try RtpmididFixture.bytes(name))
            switch reply {
            case .status(let status): #expect(status.version?.description == String(name.prefix(5)), "\(name)")
            case .help(let commands): #expect(name.hasSuffix("-help.json") && commands.contains("status"))
            default: Issue.record("\(name): \(reply)")
            }
        }
    }

    @Test(arguments: ["21.07", "23.10"])
    func `old replies tell the listener and nobody else`(version: String) throws {
        let status = try RtpmididFixture.status("\(version)-basic-status-2.json")
        #expect(status.listener?.controlPort == 5004 && status.listener?.midiPort == 5005)
        #expect(!status.listsParticipants && status.participants.isEmpty)
    }

    @Test func `two of the same name are two, and a re-invitation is one with more ports`() throws {
        let status = try RtpmididFixture.status("26.01-odd-names-status.json")
        #expect(status.participants.count == 15)
        let twins = status.participants.filter { $0.session.name == "Twin" }
        #expect(twins.map { $0.nodes.map(\.port) } == [[10], [11], [12]])
        #expect(Set(twins.map(\.session.ssrc)).count == 3)
        #expect(status.names.filter(\.splitsLines) == ["line1\nline2"])
        let phone = try RtpmididFixture.status("26.01-same-name-reinvite-status.json")
        #expect(phone.participants.count == 1)
        #expect(phone.participants[0].nodes.map(\.port) == [1, 2, 3])
        #expect(phone.participants[0].nodes.map(\.networkID) == [3, 5, 7])
    }

    @Test func `of sessions at one address and port all but the newest have been succeeded`() throws {
        // Two that are there have ports of their own; so have twins, and a session with more ports is one.
        for name in [
            "26.01-two-status-2-after.json", "26.01-odd-names-status.json", "26.01-same-name-reinvite-status.json",
        ] {
            #expect(try RtpmididFixture.status(name).successions.isEmpty, "\(name)")
        }
        func pair(_ id: Int, _ ssrc: Int, _ port: Int, latency: Double) -> String {
            """
            {"id": \(id), "type": "local_alsa_peer_t", "name": "Board", "port": \(id), "send_to": [\(id + 1)]},
            {"id": \(id + 1), "type": "network_rtpmidi_peer_t", "name": "Board", "send_to": [\(id)], "peer": {
              "latency_ms": {"last": \(latency)}, "status": "3", "remote": {
                "name": "Board", "ssrc": \(ssrc), "port": \(port), "hostname": "::ffff:10.0.0.7"}}}
            """
        }
        let nodes = [
            pair(2, 7, 5004, latency: 3), pair(4, 8, 5006, latency: 3), pair(6, 9, 5004, latency: 2.5),
            pair(8, 10, 5004, latency: 0),
        ]
        let status = try #require(
            read(#"{"result": {"version": "26.01", "router": [\#(nodes.reversed().joined(separator: ","))]}}"#))
        #expect(status.successions.map(\.older.session.ssrc) == [7, 9])
        #expect(status.successions.allSatisfy { $0.newer.session.ssrc == 10 && !$0.newer.session.hasMeasured })
        #expect(status.successions.allSatisfy { $0.older.session.hasMeasured })
    }

    @Test func `a session that goes out is known by its port's name, with a port and without`() throws {
        func client(_ id: Int, _ name: String, _ state: Int, to: [Int]) -> String {
            """
            {"id": \(id), "type": "network_rtpmidi_client_t", "name": "\(name)", "send_to": \(to), "peer": {
              "latency_ms": {"last": 2.5}, "status": "\(state)", "remote": {
                "name": "\(name)", "ssrc": 9, "port": 5004, "hostname": "::ffff:192.0.2.7"}}}
            """
        }
        let nodes = [
            client(2, "Studio\\nMac", 3, to: [3]), client(5, "", 0, to: []),
            #"{"id": 3, "type": "local_alsa_peer_t", "name": "Desk", "port": 4, "send_to": [2]}"#,
            #"{"id": 6, "type": "local_alsa_peer_t", "name": "Loose", "port": 5, "send_to": []}"#,
        ]
        let status = try #require(
            read(#"{"result": {"version": "26.01", "router": [\#(nodes.joined(separator: ","))]}}"#))
        #expect(status.participants.map(\.session.name) == ["Desk"] && status.participants[0].nodes.map(\.port) == [4])
        #expect(status.clients.map(\.id) == [2, 5] && status.clients.map(\.alsaID) == [3, nil])
        #expect(status.clients.map(\.portName) == ["Desk", nil])
        #expect(status.clients.map(\.session.state) == [.connected, .none])
        #expect(status.loosePorts.map(\.portName) == ["Loose"] && status.otherSessions.isEmpty)
        // What it calls itself stands in the log, and may forge lines there.
        #expect(status.names.contains("Studio\nMac"))
    }

    @Test(arguments: [("26.01", 54476 as UInt16), ("24.12", 59631)])
    func `a real reply tells a session that goes out, with its port and the daemon's own`(
        version: String, localPort: UInt16
    ) throws {
        let status = try RtpmididFixture.status("\(version)-inviting-status.json")
        let client = try #require(status.clients.first)
        #expect(client.id == 2 && client.alsaID == 3 && client.portName == "Desk")
        #expect(client.session.state == .connected && client.session.localPort == localPort)
        #expect(status.participants.map(\.session.name) == ["Desk"] && status.participants[0].nodes.map(\.port) == [1])
    }

    @Test func `what router_remove leaves is a loose port and a session without one`() throws {
        let status = try RtpmididFixture.status("26.01-two-status-B-removed.json")
        #expect(status.participants.map(\.session.name) == ["Alice-keys"])
        #expect(status.loosePorts.map(\.port) == [2] && status.otherSessions.map(\.name) == ["Bob-keys"])
        #expect(status.names == ["Alice-keys", "Bob-keys"])
    }

    @Test func `sixty participants have sixty ports`() throws {
        let status = try RtpmididFixture.status("26.01-sixty-participants-status.json")
        #expect(status.participants.map { $0.nodes[0].port } == Array(1...60))
    }

    @Test func `23_12's words are understood`() throws {
        let json = """
            {"id":1,"result":{"version":"23.12","router":[{"id":1,"type":"network:rtpmidi:multi:listener","peers":[],"send_to":[]},\
            {"id":2,"type":"local:alsa:listener","name":"Ann","send_to":[3]},{"id":3,"type":"network:rtpmidi:peer","name":"Ann",\
            "send_to":[2],"peer":{"status":"CONNECTED","remote":{"name":"Ann","ssrc":7,"hostname":"10.0.0.2","port":5004}}}]}}
            """
        let status = try #require(read(json))
        #expect(status.participants.count == 1 && status.listener?.id == 1)
        #expect(status.participants[0].session.state == .connected && status.participants[0].session.latency == nil)
        #expect(status.participants[0].nodes[0].alsaID == 2 && status.participants[0].nodes[0].port == nil)
    }

    @Test(arguments: [
        (#"{"error":"Unknown method 'nosuch'","id":3}"#, ControlReply.refused("Unknown method 'nosuch'")),
        (#"{"error":{"code":2,"detail":"Unknown command"},"id":0}"#, .refused("Unknown command")),
        (#"{"id":7,"result":"ok"}"#, .done),
        (#"{"id":4,"result":{"name":"Alice iPad","port":1}}"#, .alsaPeer(name: "Alice iPad", port: 1)),
        (#"{"event": "close", "detail": "Message too long", "code": 1}"#, .closing("Message too long")),
        (#"{"id":14,"result":{"error":"Unknown peer type"}}"#, .refused("Unknown peer type")),
        (#"{"id":1,"result":{"commands":["help","status"]}}"#, .help(["help", "status"])),
    ])
    func `other replies are told apart`(line: String, reply: ControlReply) {
        #expect(ControlReply(Array((line + "\n").utf8)) == reply)
    }

    @Test(arguments: [
        "", "null", "[]", "1", "\"ok\"", "{}", "{", #"{"id":1}"#, #"{"result":null}"#, #"{"result":[]}"#,
        #"{"result":5}"#,
        #"{"result":"maybe"}"#, #"{"event":5}"#, #"{"result":["ok"]}"#, "status\u{0}",
    ])
    func `what is no reply is unreadable`(line: String) {
        guard case .unreadable = ControlReply(Array(line.utf8)) else {
            Issue.record("\(line) was read")
            return
        }
    }

    @Test func `wrong types, missing fields and new ones do no harm`() throws {
        let json = """
            {"result":{"version":26,"surprise":{},"router":[5,null,[],{},{"id":"x","type":"local_alsa_peer_t"},{"id":9,"type":"new_t"},\
            {"id":1e99,"type":"local_alsa_peer_t"},{"id":2,"type":"local_alsa_peer_t","name":7,"port":"1","send_to":[3,"4",null]},\
            {"id":3,"type":"network_rtpmidi_peer_t","send_to":[2],"stats":[],"peer":{"status":3,"remote":{"ssrc":-1,"port":99999,\
            "name":[]},"local":7,"latency_ms":{"last":1e300,"average":"x"}}},{"id":5,"type":"network_rtpmidi_peer_t","peer":null},\
            {"id":6,"type":"network_rtpmidi_multi_listener_t","listening":[],"peers":[{},{"remote":{"name":"half"},"status":"1"},3]}]}}
            """
        let status = try #require(read(json))
        #expect(status.version == nil && status.participants.count == 1 && status.listener?.id == 6)
        let participant = status.participants[0]
        #expect(
            participant.session.ssrc == nil && participant.session.port == nil && participant.session.latency == nil)
        #expect(participant.session.state == .connected && participant.nodes[0].port == nil)
        #expect(status.otherSessions.map(\.name).contains("half"))
        #expect(status.otherSessions.first { $0.name == "half" }?.state == .controlOnly)
    }

    @Test func `a truncated or damaged reply never crashes`() throws {
        let reply = try RtpmididFixture.bytes("26.01-two-status-2.json")
        for length in stride(from: 0, to: reply.count - 2, by: 3) {
            guard case .unreadable = ControlReply(Array(reply[..<length])) else {
                Issue.record("\(length) bytes were read")
                continue
            }
        }
        var random = SeededRandom(seed: 4)
        for _ in 0..<300 {
            var damaged = reply
            for _ in 0..<5 { damaged[random.next(below: damaged.count)] = UInt8(random.next(below: 256)) }
            if case .status(let status) = ControlReply(damaged) { #expect(status.participants.count <= 2) }
        }
    }

    @Test func `deep and large replies are refused`() {
        let deep = String(repeating: "{\"result\":", count: 100_000)
        let nested =
            #"{"result":{"router":"# + String(repeating: "[", count: 50_000) + String(repeating: "]", count: 50_000)
            + "}}"
        for line in [deep, nested] {
            guard case .unreadable = ControlReply(Array(line.utf8)) else {
                Issue.record("a deep reply was read")
                continue
            }
        }
        guard case .unreadable = ControlReply([UInt8](repeating: 0x20, count: ControlSocket.longest + 1)) else {
            Issue.record("a large reply was read")
            return
        }
    }

    @Test func `equal SSRCs of different people do not make them one`() throws {
        let ann = MadeStatus.Entry(name: "Ann", ssrc: 5, port: 1, ids: (2, 3), last: 1)
        let bea = MadeStatus.Entry(name: "Bea", ssrc: 5, port: 2, ids: (4, 5), last: 1)
        let twin = MadeStatus.Entry(name: "Ann", ssrc: 5, port: 3, ids: (6, 7), last: 1, controlPort: 40000)
        #expect(try MadeStatus.reply([ann, bea, twin]).participants.count == 3)
    }

    @Test func `an added route does not change whose port it is`() throws {
        let json = """
            {"result":{"router":[{"id":2,"type":"local_alsa_peer_t","name":"Ann","port":1,"send_to":[5,3]},\
            {"id":4,"type":"local_alsa_peer_t","name":"Bea","port":2,"send_to":[3,5]},\
            {"id":3,"type":"network_rtpmidi_peer_t","name":"Ann","send_to":[4,2],"peer":{"remote":{"name":"Ann","ssrc":1}}},\
            {"id":5,"type":"network_rtpmidi_peer_t","name":"Bea","send_to":[2,4],"peer":{"remote":{"name":"Bea","ssrc":2}}}]}}
            """
        let status = try #require(read(json))
        #expect(status.participants.map { $0.nodes[0].port } == [1, 2])
    }

    @Test func `requests are one line below the daemon's limit`() {
        #expect(ControlRequest.status.bytes == Array("{\"method\":\"status\",\"params\":[],\"id\":1}\n".utf8))
        #expect(ControlRequest.help.bytes == Array("{\"method\":\"help\",\"params\":[],\"id\":1}\n".utf8))
        #expect(
            ControlRequest.remove(12).bytes == Array("{\"method\":\"router.remove\",\"params\":[12],\"id\":1}\n".utf8))
        #expect(ControlRequest.peerStatus(2).bytes == Array("{\"method\":\"2.status\",\"params\":[],\"id\":1}\n".utf8))
        let client = ControlRequest.createClient(name: #"a "b" \c"#, host: "192.0.2.7", port: 5004)
        #expect(
            String(decoding: client.bytes, as: UTF8.self)
                == #"{"method":"router.create","params":{"hostname":"192.0.2.7","name":"a \"b\" \\c","port":5004,"#
                + #""type":"network_rtpmidi_client_t"},"id":1}"# + "\n")
        #expect(
            String(
                decoding: ControlRequest.createPort(name: "x\u{1}" + String(repeating: "y", count: 80)).bytes,
                as: UTF8.self)
                == #"{"method":"router.create","params":{"name":"x "# + String(repeating: "y", count: 61)
                + #"","type":"local_alsa_peer_t"},"id":1}"# + "\n")
        #expect(
            String(decoding: ControlRequest.connect(3, to: 4).bytes, as: UTF8.self)
                == #"{"method":"router.connect","params":{"from":3,"to":4},"id":1}"# + "\n")
        #expect(ControlRequest.remove(.min).bytes.count < 1023)
    }
}
