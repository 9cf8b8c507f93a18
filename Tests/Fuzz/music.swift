import MIDI

/// A standard MIDI file, or octets as on a cable (told apart by the first octet): what is taken apart is put together.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let octets = Array(UnsafeBufferPointer(start: start, count: count))
    guard octets.first == UInt8(ascii: "M") else {
        if let messages = try? MIDIBytes.split(octets) {
            precondition((try? MIDIBytes.split(messages.flatMap { $0 })) == messages, "taken apart differently")
        }
        return 0
    }
    guard let file = try? StandardMIDIFile(decoding: octets) else { return 0 }
    var writer = MIDIFileWriter(name: "music")
    for event in file.playback { writer.append(event.bytes, at: event.at) }
    guard let again = try? StandardMIDIFile(decoding: writer.bytes) else { preconditionFailure("written badly") }
    precondition(again.playback.count == writer.count, "an event was lost")
    return 0
}
