import TextMIDI

/// Text as a TCP client sends it, and the way back. The last octet is the size of the reads; the same text read octet by
/// octet must say the same. What is read is queued for a client: what goes to it is what it understands, whole.
@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var text = Array(UnsafeBufferPointer(start: start, count: count))
    guard let size = text.popLast().map({ Int($0) + 1 }) else { return 0 }
    let (messages, isClient, unreadable) = read(text, by: size)
    let (again, isClientAgain, unreadableAgain) = read(text, by: 1)
    precondition(messages == again && isClient == isClientAgain && unreadable == unreadableAgain, "read differently")

    var sender = ListSender()
    var sent: [UInt8] = []
    for (index, message) in messages.enumerated() {
        precondition(read(ListSender.text(message), by: 7).messages == [message], "written badly")
        sender.put(message, at: 1e6)
        if index % size == 0 { sent += sender.take(at: Double(index), underway: index % 900) }
    }
    var time = Double(messages.count)
    while !sender.isEmpty {
        time += 2
        let some = sender.take(at: time, underway: 0)
        precondition(!some.isEmpty && some.count <= ListSender.window, "it comes to rest, at the client's pace")
        sent += some
    }
    let (heard, _, wrong) = read(sent, by: size)
    let understood = messages.filter(ListSender.isUnderstood)
    precondition(wrong == 0 && heard.allSatisfy(ListSender.isUnderstood), "not for a client")
    func notes(_ list: [[UInt8]]) -> [[UInt8]] { list.filter { $0[0] < 0xA0 } }
    precondition(notes(heard) == notes(understood), "a note was lost, or is out of order")
    precondition(understood.count > ThinningQueue.thinnedFrom || heard == understood, "thinned for nothing")
    // What is said once more a while later is the end of something.
    while let due = sender.reminderDue {
        time = max(time, due) + 10
        for message in read(sender.take(at: time, underway: 0), by: size).messages {
            precondition(
                understood.contains(message) && [0x80, 0x90, 0xB0, 0xE0].contains(message[0] & 0xF0), "no end")
        }
    }
    return 0
}

func read(_ text: [UInt8], by size: Int) -> (messages: [[UInt8]], isClient: Bool, unreadable: UInt64) {
    var reader = ListReader()
    var messages: [[UInt8]] = []
    for start in stride(from: 0, to: text.count, by: size) {
        let part = Array(text[start..<min(start + size, text.count)])
        guard reader.read(part.span, at: 0, { messages.append($0) }) else {
            return (messages, false, reader.unreadable)
        }
    }
    return (messages, true, reader.unreadable)
}
