import HTTP
import Hub
import WebAPI

/// Who feeds back to a room's controllers, and which of several controllers is heard.
enum FocusCommands {
    static func focus(_ options: Options) -> ExitCode {
        guard options.operands.count <= 1, options.operands.isEmpty || !options.release else {
            Output.complain("focus: the name of one participant, or --release, or neither to see who has it")
            return .misuse
        }
        if options.operands.isEmpty, !options.release {
            return show(options, nothing: "No room has controllers.") { room in
                room.focus.map { [line(room, $0)] } ?? []
            }
        }
        let choice = options.client.room(
            options, for: "focus", none: "no room has controllers: name them in a room's focus in the configuration"
        ) { $0.focus != nil }
        return give(options, to: choice, path: "focus", options.operands.first)
    }

    static func input(_ options: Options) -> ExitCode {
        let words = options.operands
        guard words.count <= 2, options.release ? words.count == 1 : words.count != 1 else {
            Output.complain(
                "input: an input and one of its controllers, or an input and --release, or neither to see them")
            return .misuse
        }
        guard let input = words.first else {
            return show(options, nothing: "No room has inputs.") { room in
                (room.inputs ?? []).map { line(room, $0) }
            }
        }
        let choice = options.client.room(
            options, for: "input", none: "no room has an input \"\(input)\" (`midihub input` lists them)"
        ) { $0.inputs?.contains { $0.name == input } ?? false }
        return give(options, to: choice, path: "inputs/\(Client.encoded(input))/live", words.dropFirst().first)
    }

    /// `path`: behind the room's. Without a member that is given up.
    private static func give(
        _ options: Options, to choice: RoomChoice, path: String, _ member: String?
    ) -> ExitCode {
        switch choice {
        case .failed(let code): return code
        case .room(let name):
            let (client, path) = (options.client, "/api/v1/rooms/\(Client.encoded(name))/\(path)")
            let answer =
                member.map { client.post("\(path)?member=\(Client.encoded($0))") } ?? client.delete(path)
            guard let answer else { return client.complain() }
            return ReloadCommand.show(answer)
        }
    }

    /// `lines`: of a room, none where it has nothing of the kind.
    private static func show(
        _ options: Options, nothing: String, _ lines: (Snapshot.Room) -> [String]
    ) -> ExitCode {
        let client = options.client
        guard let all = client.get("/api/v1/rooms", as: API.Rooms.self)?.rooms else { return client.complain() }
        let rooms = all.filter { options.room == nil || $0.name == options.room }
        if let name = options.room, rooms.isEmpty {
            Output.complain("there is no room \"\(name)\"")
            return .misuse
        }
        let lines = rooms.flatMap(lines)
        for line in lines.isEmpty ? [nothing] : lines { Output.line(Output.safe(line)) }
        return .well
    }

    private static func line(_ room: Snapshot.Room, _ focus: Snapshot.Focus) -> String {
        let who =
            focus.holder.map { "\(ShownName.shown($0)) has the focus" }
            ?? (focus.by == .touch ? "nobody has the focus; the first who plays gets it" : "nobody has the focus")
        return "\(room.name): \(who) (\(focus.controllers.map(ShownName.shown).joined(separator: ", ")))"
    }

    private static func line(_ room: Snapshot.Room, _ input: Snapshot.Input) -> String {
        let heard = input.heard.isEmpty ? "nobody" : input.heard.map(ShownName.shown).joined(separator: ", ")
        let names = input.of.map(ShownName.shown).joined(separator: ", ")
        return
            "\(room.name): \(input.name) is \(heard) (\(input.live.rawValue) of \(names)\(input.pickup ? ", picking up" : ""))"
    }
}
