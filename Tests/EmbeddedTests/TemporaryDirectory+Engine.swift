import TestSupport

extension TemporaryDirectory {
    /// `midihub engine` with one room on a port, and its files here.
    func engine(port: UInt16, name: String = "engine") throws -> Program {
        let plan = """
            {"version": 1, "allow": [], "deny": [], "rooms": [{"name": "room", "displayName": "Hub", "policy": "all",
            "ports": [\(port)], "blocks": [], "maximum": 50}]}
            """
        let engine = try Program(
            builtProduct("midihub"),
            ["engine", "--plan", write("\(name).json", plan), "--control", file("\(name).sock")],
            in: self, name: name)
        try eventually("the engine", seen: engine.output + engine.error) {
            engine.output.contains(#""event":"listening""#)
        }
        return engine
    }
}
