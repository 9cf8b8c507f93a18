import EngineProtocol
import Store
import Testing

@testable import Hub

struct LossHistoryTests {
    private func loss(_ counts: EngineStatus.Counts...) -> Double? {
        var history = LossHistory()
        for (second, one) in counts.enumerated() {
            history.add(one, at: Timestamp(milliseconds: Int64(second) * 1000))
        }
        return history.loss
    }

    @Test func `it is the part of the packets that did not come`() {
        #expect(loss() == nil)
        #expect(loss(.init(), .init()) == nil)
        #expect(loss(.init(received: 10), .init(received: 100, lost: 10)) == 0.1)
    }
    @Test func `what was only overtaken is not lost`() {
        #expect(loss(.init(), .init(received: 100, lost: 25, overtaken: 25)) == 0)
        #expect(loss(.init(), .init(received: 95, lost: 10, overtaken: 5)) == 0.05)
    }
    @Test func `an older engine does not tell the two apart, and no numbers are too odd`() {
        #expect(loss(.init(), .init(received: 90, lost: 10, overtaken: nil)) == 0.1)
        #expect(loss(.init(lost: 5), .init(received: 10, lost: 1, overtaken: .max)) == 0)
    }
}
