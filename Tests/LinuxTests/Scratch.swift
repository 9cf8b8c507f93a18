import Foundation

/// A directory for one test, removed with the last reference.
final class Scratch {
    let path: String
    init() throws {
        path = NSTemporaryDirectory().appending("midihub-test-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
}
