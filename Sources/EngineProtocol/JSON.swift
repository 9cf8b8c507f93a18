import Foundation

/// JSON as all of our programs write it: keys in order, nothing escaped that need not be.
package enum JSON {
    /// Of types that hold strings, whole numbers and finite doubles only: nothing that JSON lacks.
    package static func text(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { preconditionFailure("\(type(of: value)) cannot be JSON") }
        return String(decoding: data, as: UTF8.self)
    }

    package static func bytes(_ value: some Encodable) -> [UInt8] { Array(text(value).utf8) }

    /// With its newline.
    package static func line(_ value: some Encodable) -> [UInt8] { Array((text(value) + "\n").utf8) }
}
