import Glibc
import Linux
import Testing

@Suite struct LockedMemoryTests {
    @Test func `a process that has locked none is known`() { #expect(!LockedMemory.isUsed(by: getppid())) }

    @Test func `a process that is not there has none`() { #expect(!LockedMemory.isUsed(by: 0)) }
}
