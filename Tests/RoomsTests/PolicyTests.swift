import Rooms
import Testing

@Test(arguments: [
    "Piano in", "piano-IN", "PianoIn", "PianoIN", "In", "in", "Piano (in)", "drum_rec", "Studio Rec", "studioRec",
    "3 in",
    "Élan In", "In.",
])
func `auto takes a last word In or Rec for a receiver`(name: String) {
    #expect(Policy.auto.direction(name: name, portIndex: 0) == .receives)
}

@Test(arguments: ["Piano out", "piano-OUT", "PianoOut", "Sen", "KeysSen", "VMPK Output-out", "a.sen"])
func `auto takes a last word Out or Sen for a sender`(name: String) {
    #expect(Policy.auto.direction(name: name, portIndex: 0) == .sends)
}

@Test(arguments: [
    "Martin", "Violin", "VIOLIN", "Scout", "In Flames", "Out there", "Piano in 2", "in2", "Rechts", "Sensei", "", " ",
    "--",
    "Arsen", "Melvin", "Timeout", "🎹", "Inn", "Rec'd",
])
func `auto leaves every other name free to send and receive`(name: String) {
    #expect(Policy.auto.direction(name: name, portIndex: 0) == .both)
}

@Test func `named goes by the last letters in any case, words or not`() {
    for name in ["Martin", "Violin", "PIANO IN", "xrec", "in"] {
        #expect(Policy.named.direction(name: name, portIndex: 0) == .receives)
    }
    for name in ["Scout", "Timeout", "Arsen", "a-OUT"] {
        #expect(Policy.named.direction(name: name, portIndex: 0) == .sends)
    }
    for name in ["Piano", "", "In ", "out!"] { #expect(Policy.named.direction(name: name, portIndex: 0) == .neither) }
}

@Test func `all looks at no name`() {
    for name in ["Piano", "Piano in", "Piano out", ""] {
        #expect(Policy.all.direction(name: name, portIndex: 5) == .both)
    }
}

@Test func `pair looks at the port alone`() {
    #expect(Policy.pair.direction(name: "Piano in", portIndex: 0) == .sends)
    #expect(Policy.pair.direction(name: "Piano out", portIndex: 1) == .receives)
    #expect(Policy.pair.direction(name: "Piano", portIndex: 2) == .neither)
}

@Test func `the words of the configuration are the policies`() {
    #expect(Policy.allCases.map(\.rawValue) == ["auto", "named", "all", "pair"])
}
