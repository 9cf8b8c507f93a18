import Client
import Engine
import Foundation
import Glibc
import Hub
import Linux
import MIDI
import Rooms

/// `midihub join`: takes part in sessions on other machines' ports until it is told to end.
package enum JoinCommand {
    static let explanation = """
        Invites itself to every HOST (UDP port 5004 unless said; the next port must be reachable too), and again whenever a
        session ends. Where ALSA is there it is a MIDI port to connect instruments and programs to. What stands on standard
        input is sent: MIDI messages in hex, a line at a time ("90 3c 64" or "903c643e64"); it waits until the sessions are up,
        and the end of input does not end the program. Ctrl-C (or SIGTERM) does, with a goodbye.
        With several HOSTs what is played is numbered once and heard once, whatever hub dies, where they are hubs of this
        program that carry MIDI themselves; of others one is heard at a time. At most 8.
          --name NAME        what the others see (this machine's name)
          --dump             print what arrives: time, the sender's timestamp (100 µs), the message in hex
          --json             print it as an object a line, with the hubs that it came by
          --play FILE.mid    send a standard MIDI file, from when the sessions are up
          --record FILE.mid  write what arrives as a standard MIDI file, at the end
        """

    static func run(_ options: Options) -> ExitCode {
        let name = options.name ?? ownName()
        guard !Probe.isNamed(name) else {
            Output.complain("join: \"\(name)\" is who measures the way to a hub (`midihub ping`), and is not heard")
            return .misuse
        }
        guard !name.isEmpty, name.utf8.count <= 63, Output.safe(name) == name else {
            Output.complain("join: --name must have 1 to 63 octets and no control characters")
            return .misuse
        }
        guard let hosts = Initiator.hosts(options.operands, command: "join") else { return .misuse }
        guard hosts.count <= HubGroup.most else {
            Output.complain("join: at most \(HubGroup.most) hubs at once, not \(hosts.count)")
            return .misuse
        }
        do {
            return try Join(
                hosts, name: name, play: options.play.map(music), record: options.record,
                dump: options.json ? .json : options.dump ? .text : nil
            ).run()
        } catch {
            Output.complain("join: \(error)")
            return .unavailable
        }
    }

    private static func ownName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        let host = String(decoding: name.prefix { $0 != 0 && $0 != 46 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // Some peers cut names at 24 octets.
        let short = String(host.prefix(24))
        return short.isEmpty ? "midihub" : short
    }

    private static func music(_ path: String) throws -> [(at: Duration, bytes: [UInt8])] {
        let bytes = try File.read(path, limit: StandardMIDIFile.largest)
        do throws(MIDIFileError) {
            return try StandardMIDIFile(decoding: bytes).playback
        } catch { throw HubError("\(path): \(error)") }
    }
}

extension Initiator {
    /// The hosts that a command names, each once; nil where a word is no host or there is none; the complaint has been
    /// printed then.
    static func hosts(_ arguments: [String], command: String) -> [Host]? {
        var hosts: [Host] = []
        for word in arguments {
            guard let host = Host(word) else {
                Output.complain("\(command): \"\(Output.safe(word))\" is no HOST or HOST:PORT")
                return nil
            }
            if !hosts.contains(host) { hosts.append(host) }
        }
        guard !hosts.isEmpty else {
            Output.complain("\(command): whom? Name a hub: midihub \(command) HOST[:PORT]")
            return nil
        }
        return hosts
    }
}
