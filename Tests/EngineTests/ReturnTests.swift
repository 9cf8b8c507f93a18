import EngineProtocol
import Linux
import MIDI
import RTPMIDI
import TestSupport
import Testing

@testable import Engine

/// Programs that begin anew where they were: on the same ports, with another SSRC or the same.
@Suite struct ReturnTests {
    private let note = Message.noteOn(Channel(truncating: 0), note: 60, velocity: 100)
    private let other = Message.noteOn(Channel(truncating: 0), note: 62, velocity: 100)
    private let off = Message.noteOff(Channel(truncating: 0), note: 60, velocity: 64)

    /// The same machine, another run of the program.
    private func again(_ one: TestPlayer, _ engine: EngineUnderTest, ssrc: SSRC, token: UInt32) throws -> TestPlayer {
        let again = try TestPlayer(one.name, port: engine.port, ssrc: ssrc, token: token)
        (again.control, again.data) = (one.control, one.data)
        return again
    }

    @Test(arguments: [true, false], [2, 250])
    func `a program on fixed ports that begins anew has one session, and its old note is released`(
        drawsTheSame: Bool, maximum: Int
    ) throws {
        let engine = try EngineUnderTest(maximum: maximum)
        let ear = try engine.player("Ear")
        let board = try engine.player("Board", others: [ear])
        board.play(note)
        let joined = TestPlayer.now
        // Right after it joined its invitation might be a copy.
        try pumping([ear, board], "the note") { ear.heard == [note] && TestPlayer.now > joined + 3_000 }
        let returned = try again(
            board, engine, ssrc: drawsTheSame ? board.ssrc : SSRC(99), token: drawsTheSame ? board.token : 98)
        let arrivals = Arrivals(at: returned)
        try pumping([ear, returned], "the new session and the release") { returned.isUp && ear.heard == [note, off] }
        try eventually("word of it") {
            engine.all.contains {
                if case .left(let who, .restarted, 1) = $0 { who.name == "Board" } else { false }
            }
        }
        ear.play(note)
        returned.play(other)
        try pumping([ear, returned], "one note each way") { ear.heard.last == other && returned.heard == [note] }
        #expect(try engine.status().participants.map(\.name) == ["Ear", "Board"])
        #expect(arrivals.byes == 0 && returned.ended == nil)
        #expect(Leaving.restarted.text == "came anew")
    }

    @Test func `an invitation that the network doubles is no restart`() throws {
        let engine = try EngineUnderTest()
        let ear = try engine.player("Ear")
        let board = try TestPlayer("Board", port: engine.port)
        try pumping([ear, board], "the session") {
            // The last ones right behind the answer that proves it. It invites to the data port when it has been accepted.
            if !board.isUp {
                invite(board, .control)
                if board.session.peer != nil { invite(board, .data) }
            }
            return try board.isUp && engine.status().participants.count == 2
        }
        board.play(note)
        try pumping([ear, board], "the note") { ear.heard == [note] }
        ear.play(note)
        try pumping([ear, board], "a note to it") { board.heard == [note] }
        #expect(ear.heard == [note])
        #expect(!engine.all.contains { if case .left = $0 { true } else { false } })
    }

    private func invite(_ player: TestPlayer, _ path: Session.Path) {
        player.send(.invitation(token: player.token, ssrc: player.ssrc, name: player.name), path)
    }

    /// An invitation that comes again when its session has been up for longer than copies usually take, and its answer.
    private func copyInvitation(_ player: TestPlayer, _ path: Session.Path, others: [TestPlayer]) throws {
        var isAnswered = false
        player.onDatagram = {
            guard $0 == path, case .accepted? = try? SessionPacket(decoding: $1.span.bytes) else { return }
            isAnswered = true
        }
        invite(player, path)
        try pumping([player] + others, "the answer") { isAnswered }
    }

    @Test func `late copies of both invitations end nothing while the music goes on`() throws {
        let engine = try EngineUnderTest()
        let ear = try engine.player("Ear")
        let alice = try engine.player("Alice", others: [ear])
        alice.play(note)
        let joined = TestPlayer.now
        try pumping([ear, alice], "the note, and the end of the time for copies") {
            ear.heard == [note] && TestPlayer.now > joined + 4_000
        }
        try copyInvitation(alice, .control, others: [ear])
        let arrivals = Arrivals(at: alice)
        invite(alice, .data)
        alice.play(other)
        try pumping([ear, alice], "the question to whoever was invited") { arrivals.questions > 0 }
        alice.play(off)
        try pumping([ear, alice], "her music") { ear.heard == [note, other, off] }
        ear.play(note)
        try pumping([ear, alice], "a note to her") { alice.heard == [note] }
        #expect(!engine.all.contains { if case .left = $0 { true } else { false } })
        #expect(arrivals.byes == 0)
    }

    @Test
    func `who is sent away is told so, and nothing sounds on there, though a late copy of its invitation has come`()
        throws
    {
        let engine = try EngineUnderTest()
        let ear = try engine.player("Ear")
        let alice = try engine.player("Alice", others: [ear])
        ear.play(note)
        let joined = TestPlayer.now
        try pumping([ear, alice], "the note, and the end of the time for copies") {
            alice.heard == [note] && TestPlayer.now > joined + 4_000
        }
        try copyInvitation(alice, .control, others: [ear])
        let id = try #require(try engine.status().participants.first { $0.name == "Alice" }?.id)
        #expect(try engine.kick(id))
        try pumping([ear, alice], "the goodbye") { alice.ended == .bye }
        #expect(alice.heard == [note, off])
    }

    @Test func `who comes back right after its goodbye is in its new session, though the old one's packets still come`()
        throws
    {
        let engine = try EngineUnderTest()
        let ear = try engine.player("Ear")
        let alice = try engine.player("Alice", others: [ear])
        alice.leave()
        let left = TestPlayer.now
        try pumping([ear], "the end of what is under way") { TestPlayer.now > left + 3_000 }
        let returned = try TestPlayer("Alice again", port: engine.port, ssrc: alice.ssrc)
        (returned.control, returned.data) = (alice.control, alice.data)
        try copyInvitation(returned, .control, others: [ear])
        try pumping([ear, returned], "its session") {
            if !returned.isUp { alice.play(note) }
            return returned.isUp
        }
        try pumping([ear, returned], "it in the room") { try engine.status().participants.count == 2 }
        #expect(try engine.status().participants.map(\.name) == ["Ear", "Alice again"])
    }

    @Test func `boards at one address that drew the same and start at once keep their ports apart`() throws {
        let engine = try EngineUnderTest()
        let ear = try engine.player("Ear")
        let boards = try (1...5).map { number in
            let board = try TestPlayer("Board \(number)", port: engine.port, ssrc: SSRC(7), token: 7)
            let ports = freeUDPPortPair()
            board.control = try DatagramSocket(port: ports, host: "127.0.0.1")
            board.data = try DatagramSocket(port: ports + 1, host: "127.0.0.1")
            return board
        }
        try pumping([ear] + boards, "all of them") {
            try boards.allSatisfy(\.isUp) && engine.status().participants.count == 6
        }
        boards[0].leave()
        try pumping([ear] + boards.dropFirst(), "its leaving") { try engine.status().participants.count == 5 }
        for board in boards.dropFirst() { board.play(note) }
        try pumping([ear] + boards.dropFirst(), "the others' notes") { ear.heard.count == 4 }
        var departures: Int { engine.all.count { if case .left = $0 { true } else { false } } }
        try eventually("word of it") { departures > 0 }
        #expect(departures == 1)
    }

    @Test func `who draws another token for the data port gets in`() throws {
        let engine = try EngineUnderTest()
        let board = try TestPlayer("Board", port: engine.port)
        var answers: [UInt32] = []
        board.onDatagram = { _, bytes in
            if case .accepted(let token, _, _)? = try? SessionPacket(decoding: bytes.span.bytes) {
                answers.append(token)
            }
            if case .clock(_, 0, let t1, _, _)? = try? SessionPacket(decoding: bytes.span.bytes) {
                board.send(.clock(ssrc: board.ssrc, count: 1, t1: t1, t2: 5, t3: 0), .data)
            }
        }
        func read() {
            for (socket, path) in [(board.control, Session.Path.control), (board.data, .data)] {
                while socket.receive({ bytes, _ in board.onDatagram(path, bytes.withUnsafeBytes { Array($0) }) }) > 0 {}
            }
        }
        board.send(.invitation(token: 1, ssrc: board.ssrc, name: "Board"), .control)
        try eventually("the first answer") {
            read()
            return answers == [1]
        }
        board.send(.invitation(token: 2, ssrc: board.ssrc, name: "Board"), .data)
        try eventually("it in the room") {
            read()
            return (try engine.status().participants.count) == 1
        }
        #expect(answers == [1, 2])
        board.send(.bye(token: 2, ssrc: board.ssrc, name: nil), .control)
        try eventually("its leaving") { (try engine.status().participants.count) == 0 }
    }

    @Test func `one that comes to the control port only is told of, a copy to one that is here does no harm`() throws {
        let engine = try EngineUnderTest()
        let ear = try engine.player("Ear")
        let arrivals = Arrivals(at: ear)
        let half = try TestPlayer("OnlyControl", port: engine.port)
        let joined = TestPlayer.now
        try pumping([ear], "the end of the time for copies") { TestPlayer.now > joined + 3_000 }
        ear.send(.invitation(token: ear.token, ssrc: ear.ssrc, name: "Ear"), .control)
        half.send(.invitation(token: half.token, ssrc: half.ssrc, name: half.name), .control)
        try pumping([ear], "word of it") {
            engine.all.contains {
                if case .halfOpen("127.0.0.1", "OnlyControl", engine.port, .data, 1) = $0 { true } else { false }
            }
        }
        let told = engine.all.count { if case .halfOpen = $0 { true } else { false } }
        #expect(told == 1 && arrivals.byes == 0 && ear.isUp)
        #expect(try engine.status().participants.map(\.name) == ["Ear"])
    }
}
