import Hub
import Linux
import MIDI

/// What `join --record` hears, as a standard MIDI file at the end.
final class JoinRecorder {
    private let path: String
    private var file: MIDIFileWriter
    private var since: ContinuousClock.Instant?

    init(_ path: String, name: String) throws(Errno) {
        (self.path, file) = (path, MIDIFileWriter(name: name))
        // Written at once, so that an unwritable file shows now and not after an hour of playing.
        try File.replace(path, with: file.bytes)
    }

    func record(_ message: [UInt8]) {
        let since = since ?? .now
        self.since = since
        file.append(message, at: since.duration(to: .now))
    }

    /// Whether it could be written; the complaint has been printed else.
    func save() -> Bool {
        do throws(Errno) {
            try File.replace(path, with: file.bytes)
            Output.complain("\(Output.count(file.count, "message")) in \(path)")
            return true
        } catch {
            Output.complain("the recording is lost: \(error)")
            return false
        }
    }
}
