import Foundation
import Hub
import Rooms
import Testing

/// Every pair of a room is a wire or has a reason, whichever engine it is.
struct MatrixTests {
    private func seat(
        _ id: Int64, _ name: String, room: String = "Hall", state: String = "present", loops: Bool = false
    ) throws -> Matrix.Seat {
        let json =
            #"{"id": \#(id), "name": "\#(name)", "room": "\#(room)", "port": 5004, "engine": "e", "state": "\#(state)", "since": 1, "sends": true, "receives": true}"#
        return Matrix.Seat(try JSONDecoder().decode(Snapshot.Participant.self, from: Data(json.utf8)), loops: loops)
    }

    private func rooms(_ blocks: [Block] = [], echoes: Bool = false) -> [RoomPlan] {
        [
            RoomPlan(name: "Hall", policy: .auto, ports: [5004], blocks: blocks, echoes: echoes),
            RoomPlan(name: "Attic", policy: .auto, ports: [5006]),
        ]
    }

    private func reasons(_ matrix: Matrix) -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: matrix.pairs.filter { $0.reason != nil }.map {
                ("\($0.from)-\($0.to)", $0.reason ?? "")
            })
    }

    @Test func `what the rooms want is there, and the rest says why not`() throws {
        var matrix = Matrix()
        matrix.update(
            .init(
                rooms: rooms([Block(from: "Drums", to: "Piano")]),
                seats: [
                    try seat(1, "Piano"), try seat(2, "Drums"), try seat(3, "Bass In"),
                    try seat(4, "Loop", loops: true),
                    try seat(5, "Alone", room: "Attic"),
                ], actual: nil))
        #expect(Set(matrix.wires.map { "\($0.from)-\($0.to)" }) == ["1-2", "1-3", "1-4", "2-3", "2-4"])
        let reasons = reasons(matrix)
        #expect(reasons["2-1"] == "blocked")
        #expect(reasons["4-1"] == "muted: feedback loop")
        #expect(reasons["3-1"] == "the sender's name says that it only receives")
        #expect(matrix.pairs.count == 12 && matrix.wires.allSatisfy { $0.reason == nil })
    }

    @Test func `an echo's wires are those of each to itself`() throws {
        let echo = Matrix.Seat(
            try JSONDecoder().decode(
                Snapshot.Participant.self,
                from: Data(
                    #"{"id": 9, "name": "Echo", "room": "Hall", "port": 5004, "engine": "e", "state": "present", "since": 1, "sends": true, "receives": true, "echo": true}"#
                        .utf8)), loops: false)
        let seats = [try seat(1, "Piano"), try seat(2, "Drums"), try seat(3, "Bass In"), echo]
        let blocks = [Block(from: "Drums", to: "Echo")]
        var matrix = Matrix()
        matrix.update(.init(rooms: rooms(blocks, echoes: true), seats: seats, actual: nil))
        #expect(
            Set(matrix.wires.map { "\($0.from)-\($0.to)" }) == ["1-2", "2-1", "1-3", "2-3", "1-9", "9-1"])
        #expect(reasons(matrix)["2-9"] == "blocked" && reasons(matrix)["9-2"] == "blocked")
        #expect(reasons(matrix)["3-9"] == "the sender's name says that it only receives")
        // On rtpmidid it is what the patch bay says.
        matrix.update(
            .init(rooms: rooms(echoes: true), seats: seats, actual: [.init(from: 2, to: 2)]))
        #expect(Set(matrix.wires.map { "\($0.from)-\($0.to)" }) == ["2-9", "9-2"])
    }

    @Test func `what the patch bay has made counts, whatever is wanted`() throws {
        var matrix = Matrix()
        let seats = [try seat(1, "Piano"), try seat(2, "Drums"), try seat(3, "Old", state: "ghost")]
        matrix.update(
            .init(
                rooms: rooms([Block(from: "Drums", to: "Piano")]), seats: seats,
                actual: [.init(from: 2, to: 1)]))
        #expect(matrix.wires.map { "\($0.from)-\($0.to)" } == ["2-1"], "made by somebody else, it carries all the same")
        #expect(reasons(matrix)["1-2"] == "not connected yet")
        #expect(reasons(matrix)["1-3"] == "gone without saying so")
    }
}
