/// Bytes as rtpmidid wrote or sent them: a participant's name, a piece of a log line. They may be
/// no UTF-8 and hold newlines and escape codes, so they are compared as bytes and become a String only to be shown.
package struct RawText: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }
    package init(_ text: String) { bytes = Array(text.utf8) }
    package init(stringLiteral text: String) { self.init(text) }

    /// To be shown: what is no UTF-8 becomes U+FFFD. It is still a stranger's data, never markup.
    package var description: String { String(decoding: bytes, as: UTF8.self) }

    /// A name with a newline splits every log record it stands in, and so can forge lines.
    package var splitsLines: Bool { bytes.contains(UInt8(ascii: "\n")) }

    /// The ALSA port name that a participant of this name gets: the first 63 bytes, even in the middle of a character.
    package var alsaPortName: RawText { bytes.count <= 63 ? self : RawText(Array(bytes[..<63])) }
}
