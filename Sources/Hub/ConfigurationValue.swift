/// A value of a configuration file with its place: its key with those above it, and its line. What is wrong with it is
/// said with both.
package struct ConfigurationValue {
    private let value: JSON5
    private let path: String
    /// Of the key, where there is one.
    package let line: Int

    init(_ value: JSON5) { (self.value, path, line) = (value, "", value.line) }

    /// The whole of a file of JSON5. Errors carry no file name.
    package init(text: String) throws(ConfigurationError) {
        do throws(JSON5.Trouble) { self.init(try JSON5.value(of: text)) } catch {
            throw ConfigurationError(error.description)
        }
    }

    private init(_ member: JSON5.Member, path: String) {
        (value, line, self.path) = (member.value, member.line, path)
    }

    private init(item: JSON5, path: String) { (value, line, self.path) = (item, item.line, path) }

    package func wrong(_ text: String) -> ConfigurationError {
        ConfigurationError("line \(line): \(path.isEmpty ? "the file" : path): \(text)")
    }

    /// A null counts as a key that is absent.
    private var isNull: Bool { value.content == .null }

    package func text() throws(ConfigurationError) -> String {
        guard case .text(let text) = value.content else { throw wrong("must be text in quotes") }
        return text
    }

    package func flag() throws(ConfigurationError) -> Bool {
        guard case .bool(let flag) = value.content else { throw wrong("must be true or false") }
        return flag
    }

    package func list(
        _ must: String = "must be a list in [ ]"
    ) throws(ConfigurationError) -> [ConfigurationValue] {
        guard case .list(let items) = value.content else { throw wrong(must) }
        return items.map { ConfigurationValue(item: $0, path: path) }
    }

    /// The items of a list; what is no list is one.
    func oneOrMore() -> [ConfigurationValue] {
        guard case .list(let items) = value.content else { return [self] }
        return items.map { ConfigurationValue(item: $0, path: path) }
    }

    /// In the order of the file; none of them null.
    package func members() throws(ConfigurationError) -> [(key: String, value: ConfigurationValue)] {
        guard case .object(let members) = value.content else { throw wrong("must be an object in { }") }
        return members.map { member in
            (member.key, ConfigurationValue(member, path: path.isEmpty ? member.key : "\(path).\(member.key)"))
        }.filter { !$0.value.isNull }
    }

    /// `what` says in an error which numbers are allowed, and of what.
    func number(_ range: ClosedRange<Double>, _ what: String) throws(ConfigurationError) -> Double {
        guard case .number(let number, let written) = value.content else { throw wrong("must be a number") }
        guard range.contains(number) else { throw wrong("\(written) is no number of \(what)") }
        return number
    }

    func whole(_ range: ClosedRange<Int>, _ what: String) throws(ConfigurationError) -> Int {
        guard case .number(let number, let written) = value.content else { throw wrong("must be a whole number") }
        guard let whole = Int(exactly: number), range.contains(whole) else {
            throw wrong("\(written) is no number of \(what)")
        }
        return whole
    }

    func ports() throws(ConfigurationError) -> [UInt16] {
        try list().map { item throws(ConfigurationError) in
            guard case .number(let number, let written) = item.value.content else {
                throw item.wrong("must be a whole number")
            }
            return try item.located { () throws(ConfigurationError) in
                try Configuration.port(Int(exactly: number), as: written)
            }
        }
    }

    /// Text that `check` makes something of; its error gets this place.
    package func checked<Value>(_ check: (String) throws(ConfigurationError) -> Value) throws(ConfigurationError)
        -> Value
    {
        let text = try text()
        return try located { () throws(ConfigurationError) in try check(text) }
    }

    package func checkedList<Value>(
        _ check: (String) throws(ConfigurationError) -> Value
    ) throws(ConfigurationError) -> [Value] {
        try list().map { item throws(ConfigurationError) in try item.checked(check) }
    }

    private func located<Value>(_ body: () throws(ConfigurationError) -> Value) throws(ConfigurationError) -> Value {
        do throws(ConfigurationError) { return try body() } catch { throw wrong(error.description) }
    }

    /// An object, read by the table of its keys. An unknown key is an error, since it may be a misspelt one.
    package func read<Target>(_ settings: [Setting<Target>], into target: inout Target) throws(ConfigurationError) {
        for (key, value) in try members() {
            guard let setting = settings.first(where: { $0.key == key }) else {
                let known = settings.map(\.key)
                let near = Nearest.of(key, among: known).map { "did you mean \($0)? Known" } ?? "known"
                throw value.wrong("unknown key; \(near) are \(known.sorted().joined(separator: ", "))")
            }
            try setting.read(&target, value)
        }
    }

    /// The entries of the older groups `{"GroupOne": [5040, 5042]}`: an object of JSON whose every value is a list, and none
    /// of whose keys is one of `known`. nil where the file is none.
    func groups(besides known: [String]) -> [(name: String, value: ConfigurationValue)]? {
        guard case .object(let members) = value.content, !members.isEmpty else { return nil }
        for member in members {
            guard case .list = member.value.content, member.isQuoted, !known.contains(member.key) else { return nil }
        }
        return members.map { ($0.key, ConfigurationValue($0, path: "group \"\($0.key)\"")) }
    }
}

/// One key of the configuration, or of an object in it: how it is read, and what the manual says of it.
package struct Setting<Target>: Sendable {
    package let key: String
    /// As it may be written.
    package let example: String
    package let summary: String
    let read: @Sendable (inout Target, ConfigurationValue) throws(ConfigurationError) -> Void

    package init(
        key: String, example: String, summary: String,
        read: @escaping @Sendable (inout Target, ConfigurationValue) throws(ConfigurationError) -> Void
    ) {
        (self.key, self.example, self.summary, self.read) = (key, example, summary, read)
    }
}
