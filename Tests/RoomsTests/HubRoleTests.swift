import Testing

@testable import Rooms

/// Which of two hubs speaks.
struct HubRoleTests {
    private func main(at now: UInt64 = 0) -> HubRole { HubRole(isMain: true, silence: 400, now: now) }
    private func backup(at now: UInt64 = 0) -> HubRole { HubRole(isMain: false, silence: 400, now: now) }

    /// A pair in which the main hub speaks.
    private func pair() -> (main: HubRole, backup: HubRole) {
        var (one, other) = (main(), backup())
        #expect(one.heard(other.word, asked: 0, at: 10) == [.speak(.started)])
        #expect(other.heard(one.word, asked: 0, at: 10) == [.stand(.started)])
        #expect(one.phase == .active && other.phase == .standby && one.epoch == other.epoch)
        return (one, other)
    }

    @Test func `of two that start together the main hub speaks, and the other stands by`() { _ = pair() }

    @Test func `one that finds nobody is alone, after a while or as soon as that is known`() {
        var one = backup()
        #expect(one.wake(at: 2_999, witnesses: 0) == [])
        #expect(one.wake(at: 3_000, witnesses: 0) == [.speak(.alone)])
        #expect(one.speaks && one.phase == .alone)
        var other = main()
        #expect(other.foundNoPartner(at: 1) == [.speak(.alone)])
    }

    @Test func `a main hub that comes again stands by the one that has taken over`() {
        var (_, other) = pair()
        #expect(other.partnerEnded(.ended, at: 20) == [.speak(.ended)])
        var again = main(at: 100)
        #expect(again.heard(other.word, asked: 0, at: 110) == [.stand(.started)])
        #expect(again.phase == .standby && again.epoch == other.epoch)
        #expect(other.heard(again.word, asked: 0, at: 111) == [])
        #expect(other.phase == .active)
    }

    @Test func `a partner that starts anew before its end was seen does not leave the room without a speaker`() {
        var (_, other) = pair()
        var again = main(at: 100)
        #expect(other.heard(again.word, asked: 0, at: 110) == [.speak(.nobody)])
        #expect(again.heard(other.word, asked: 0, at: 120) == [.stand(.started)])
        #expect(other.speaks && !again.speaks)
    }

    @Test func `a silent partner is taken over from when nobody hears it`() {
        var (_, other) = pair()
        #expect(other.wake(at: 410, witnesses: 1) == [])
        #expect(other.wake(at: 411, witnesses: 1) == [.askWitnesses])
        #expect(other.wake(at: 610, witnesses: 1) == [])
        #expect(other.wake(at: 611, witnesses: 1) == [.speak(.silent)])
    }

    @Test func `a partner that somebody else hears is only suspect, and looked at again`() {
        var (one, other) = pair()
        _ = other.wake(at: 411, witnesses: 1)
        #expect(other.witnessed(at: 420) == [])
        #expect(other.phase == .suspect && !other.speaks && !other.isLinked)
        #expect(other.wake(at: 5_420, witnesses: 1) == [.askWitnesses])
        #expect(other.heard(one.word, asked: 0, at: 5_430) == [])
        #expect(other.phase == .standby)
    }

    @Test func `in a drill it seems to hang, takes nothing for an answer, and stands by whoever took over`() {
        var (one, other) = pair()
        #expect(one.hang(at: 100) == [.mute(.drill)])
        #expect(one.phase == .fenced && one.due == .max)
        #expect(other.wake(at: 501, witnesses: 0) == [.speak(.silent)])
        #expect(one.heard(other.word, asked: 90, at: 510) == [])
        #expect(one.goOn(at: 1_000) == [.askPartner])
        #expect(one.heard(other.word, asked: 999, at: 1_001) == [.stand(.drill)])
        #expect(one.phase == .standby && one.epoch == other.epoch)
    }

    @Test func `in a drill one that nobody took over from speaks again, and at once when the partner ends`() {
        var (one, other) = pair()
        _ = one.hang(at: 100)
        _ = one.goOn(at: 200)
        #expect(one.heard(other.word, asked: 200, at: 210) == [.speak(.awake)])
        var (two, _) = pair()
        _ = two.hang(at: 100)
        #expect(two.partnerEnded(.ended, at: 150) == [.speak(.ended)])
        #expect(other.hang(at: 100) == [] && other.phase == .standby && other.goOn(at: 200) == [])
    }

    @Test func `without a witness it takes over or waits, as wished`() {
        var (_, other) = pair()
        #expect(other.wake(at: 411, witnesses: 0) == [.speak(.silent)])
        var (_, waiting) = pair()
        waiting.takesWhenUnsure = false
        #expect(waiting.wake(at: 411, witnesses: 0) == [])
        #expect(waiting.phase == .suspect)
        #expect(waiting.partnerEnded(.ended, at: 500) == [.speak(.ended)])
    }

    @Test func `whose own cable is pulled takes over from nobody elsewhere, and stands by again`() {
        for isMain in [false, true] {
            var (one, other) = pair()
            if isMain {
                _ = one.yield(.order, at: 100)
                _ = other.take(.order, after: one.epoch, at: 100)
                _ = one.heard(other.word, asked: 0, at: 110)
                swap(&one, &other)
            }
            #expect(other.wake(at: 511, witnesses: 1, isUnplugged: true) == [.speak(.silent)])
            #expect(other.epoch < one.epoch)
            _ = one.wake(at: 511, witnesses: 0)
            #expect(other.returned(at: 9_000) == [.mute(.slept), .askPartner])
            // Whatever it was asked: its epoch tells.
            #expect(other.heard(one.word, asked: 0, at: 9_010) == [.stand(.slept)])
            #expect(one.heard(other.word, asked: 0, at: 9_020) == [])
            #expect(one.phase == .active && other.phase == .standby)
        }
    }

    @Test func `of two whose cables were pulled one goes on`() {
        var (one, other) = pair()
        _ = one.wake(at: 411, witnesses: 0, isUnplugged: true)
        _ = other.wake(at: 411, witnesses: 0, isUnplugged: true)
        _ = one.returned(at: 9_000)
        _ = other.returned(at: 9_000)
        let word = one.word
        #expect(one.heard(other.word, asked: 9_000, at: 9_010) == [.speak(.awake)])
        #expect(other.heard(word, asked: 9_000, at: 9_010) == [.speak(.awake)])
        #expect(other.heard(one.word, asked: 9_010, at: 9_020) == [.mute(.split)])
        #expect(one.phase == .active && other.phase == .standby)
    }

    @Test func `of two that both speak the higher epoch goes on, and of equal ones the main hub`() {
        var (one, other) = pair()
        #expect(one.wake(at: 411, witnesses: 0) == [])
        #expect(one.phase == .alone)
        #expect(other.wake(at: 411, witnesses: 0) == [.speak(.silent)])
        #expect(one.heard(other.word, asked: 0, at: 9_000) == [.mute(.split)])
        #expect(other.heard(one.word, asked: 0, at: 9_000) == [])
        #expect(other.phase == .active && one.phase == .standby)
        var (first, second) = (main(), backup())
        _ = first.foundNoPartner(at: 1)
        _ = second.foundNoPartner(at: 1)
        #expect(second.heard(first.word, asked: 0, at: 5) == [.mute(.split)])
        #expect(first.heard(second.word, asked: 0, at: 5) == [])
    }

    @Test func `one that slept says nothing until the partner has answered what was asked afterwards`() {
        var (one, other) = pair()
        let stale = other.word
        #expect(one.slept(at: 5_000) == [.mute(.slept), .askPartner])
        #expect(other.wake(at: 5_000, witnesses: 0) == [.speak(.silent)])
        #expect(one.heard(stale, asked: 4_999, at: 5_001) == [])
        #expect(!one.speaks)
        #expect(one.heard(other.word, asked: 5_000, at: 5_010) == [.stand(.slept)])
        #expect(one.phase == .standby)
    }

    @Test func `one that slept goes on where nobody has taken over, and where nobody answers`() {
        var (one, other) = pair()
        _ = one.slept(at: 5_000)
        #expect(one.heard(other.word, asked: 5_000, at: 5_010) == [.speak(.awake)])
        let epoch = one.epoch
        _ = one.slept(at: 6_000)
        #expect(one.wake(at: 6_500, witnesses: 0) == [.speak(.awake)])
        #expect(one.epoch == epoch)
    }

    @Test func `a standby that slept itself does not take the partner for silent`() {
        var (_, other) = pair()
        #expect(other.slept(at: 9_000) == [])
        #expect(other.wake(at: 9_001, witnesses: 0) == [])
        #expect(other.wake(at: 9_401, witnesses: 0) == [.speak(.silent)])
    }

    @Test func `an order hands over, under a new epoch`() {
        var (one, other) = pair()
        #expect(other.yield(.order, at: 20) == [])
        #expect(one.yield(.order, at: 20) == [.mute(.order)])
        #expect(other.take(.order, after: one.epoch, at: 30) == [.speak(.order)])
        #expect(other.epoch == one.epoch + 1)
        #expect(one.heard(other.word, asked: 0, at: 40) == [])
        #expect(one.phase == .standby && one.epoch == other.epoch)
    }

    @Test func `a handover that got lost ends with a speaker all the same`() {
        var (one, other) = pair()
        _ = one.yield(.order, at: 20)
        #expect(other.heard(one.word, asked: 0, at: 100) == [])
        #expect(one.heard(other.word, asked: 0, at: 100) == [])
        #expect(one.heard(other.word, asked: 0, at: 2_520) == [.speak(.nobody)])
        #expect(other.heard(one.word, asked: 0, at: 2_530) == [])
        #expect(other.phase == .standby)
    }

    @Test func `one that is held back never speaks, and the other one does`() {
        var (one, other) = pair()
        #expect(one.holdBack(true, at: 20) == [.mute(.maintenance)])
        _ = other.heard(one.word, asked: 0, at: 30)
        #expect(other.heard(one.word, asked: 0, at: 2_600) == [.speak(.nobody)])
        #expect(one.partnerEnded(.ended, at: 3_000) == [])
        #expect(!one.speaks)
        #expect(one.holdBack(false, at: 4_000) == [])
        #expect(one.wake(at: 9_000, witnesses: 0) == [.speak(.silent)])
    }
}
