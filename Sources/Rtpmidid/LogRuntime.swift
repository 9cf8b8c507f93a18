/// Lines that come from the C++ runtime, the dynamic loader and the libraries, in every version.
func runtimeFact(of line: LineCursor) -> LogFact? {
    switch line[0] {
    case UInt8(ascii: "t")
    where line.hasPrefix("terminate called after throwing an instance of '") && line.hasSuffix("'"):
        return .fatal(line.text)
    case UInt8(ascii: "t") where line.isExactly("terminate called without an active exception"):
        return .fatal(line.text)
    case UInt8(ascii: " ") where line.hasPrefix("  what():  "):
        return .fatal(line.text)
    case UInt8(ascii: "A") where line.hasPrefix("ALSA lib "):
        return .warning(line.text)
    case UInt8(ascii: "E") where line.hasPrefix("ERROR: ld.so: object '") && line.hasSuffix(": ignored."):
        return .warning(line.text)
    case UInt8(ascii: "*") where line.hasPrefix("*** ") && line.hasSuffix(" ***: terminated"):
        return .fatal(line.text)
    case UInt8(ascii: "["), 0x1b, UInt8(ascii: " "):
        return nil
    default:
        let isFatal =
            line.hasSuffix("' failed.") && line.contains(": Assertion `")
            || line.contains(": error while loading shared libraries: ")
            || line.contains("' not found (required by ")
            || line.hasPrefix("free(): ") || line.hasPrefix("malloc(): ") || line.hasPrefix("munmap_chunk(): ")
            || line.hasPrefix("double free or corruption ") || line.hasPrefix("corrupted ")
        return isFatal && !holdsInvitation(line) ? .fatal(line.text) : nil
    }
}

/// Whether an invitation's middle part stands in the line. Where it does and the line is no invitation, the line is a
/// fragment, whatever it looks like (see `LogReader`).
func holdsInvitation(_ line: LineCursor) -> Bool { line.contains("initiator_id") }
