/// Who waits for the patch bay's releases; each is called once.
struct ReleaseWaiters {
    private var waiting: [Int: () -> Void] = [:]
    private var count = 0

    mutating func add(_ done: @escaping () -> Void) -> Int {
        count += 1
        waiting[count] = done
        return count
    }

    /// nil where it has been called.
    mutating func take(_ number: Int) -> (() -> Void)? { waiting.removeValue(forKey: number) }
}
