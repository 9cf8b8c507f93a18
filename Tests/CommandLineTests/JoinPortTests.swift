import HubLink
import Linux
import Testing

@testable import CommandLine

/// What the port of a `join` makes of what rooms tell of controllers.
@Suite struct JoinPortTests {
    @Test func `of endlessly many controllers people are told of some`() throws {
        let loop = try EventLoop()
        let port = JoinPort("Left", clone: .init("None"), device: nil, thru: false, loop: loop)
        for number in 0..<100 {
            port.learn([try #require(LinkIdentity(client: "C\(number)", port: "P"))])
        }
        #expect(port.told.count == JoinPort.mostTold && port.identity == nil)
    }
}
