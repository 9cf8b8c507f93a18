import HTTP
import Synchronization
import Testing

/// Status codes in the order delivered.
private final class Delivered: Sendable {
    private let list = Mutex<[Int]>([])
    var codes: [Int] { list.withLock { $0 } }
    func add(_ response: Response) { list.withLock { $0.append(response.status.code) } }
}

struct ResponderTests {
    @Test func `the first answer counts`() {
        let delivered = Delivered()
        let responder = Responder { delivered.add($0) }
        responder.send(.text("one"))
        responder.send(.problem(.conflict, "Two."))
        #expect(delivered.codes == [200])
    }

    @Test func `let go without an answer it answers 500`() {
        let delivered = Delivered()
        do { _ = Responder { delivered.add($0) } }
        #expect(delivered.codes == [500])
    }

    @Test func `of many threads one answers`() async {
        let delivered = Delivered()
        let responder = Responder { delivered.add($0) }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<50 { group.addTask { responder.send(.text("")) } }
        }
        #expect(delivered.codes == [200])
    }
}
