import Foundation

/// An OpenAPI document, to hold answers against. Knows what ours uses of JSON Schema, and complains about the rest.
package struct Contract {
    private let document: [String: Any]
    private let components: [String: [String: Any]]

    package init(_ body: [UInt8]) throws {
        guard let document = try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any],
            let components = document["components"] as? [String: [String: Any]]
        else { throw WaitedInVain(description: "an OpenAPI document") }
        (self.document, self.components) = (document, components)
    }

    private var paths: [String: [String: Any]] { document["paths"] as? [String: [String: Any]] ?? [:] }

    /// The value itself, or the one that a `$ref` leads to; nil where there is none.
    private func resolved(_ value: Any?) -> [String: Any]? {
        guard let value = value as? [String: Any] else { return nil }
        guard let reference = value["$ref"] as? String else { return value }
        let text = reference.split(separator: "/").map(String.init)
        guard text.count == 4, text[0] == "#", text[1] == "components" else { return nil }
        return components[text[2]]?[text[3]] as? [String: Any]
    }

    /// `GET /rooms/{room}`, sorted.
    package var routes: [String] {
        paths.flatMap { path, methods in
            methods.keys.filter { $0 != "parameters" }.map { "\($0.uppercased()) \(path)" }
        }.sorted()
    }

    /// Whether a route, as `routes` has it, may answer with that status.
    package func may(_ route: String, answer status: Int) -> Bool {
        let words = route.split(separator: " ").map(String.init)
        let operation = paths[words[1]]?[words[0].lowercased()] as? [String: Any]
        return (operation?["responses"] as? [String: Any])?["\(status)"] != nil
    }

    /// What is wrong with an answer; empty where it is as described.
    package func faults(of answer: HTTPAnswer, to method: String, _ path: String) -> [String] {
        guard let operation = paths[path]?[method.lowercased()] as? [String: Any],
            let responses = operation["responses"] as? [String: Any],
            let response = resolved(responses["\(answer.status)"])
        else { return ["\(method) \(path) may not answer \(answer.status): \(answer.text)"] }
        let missing = (response["headers"] as? [String: Any] ?? [:]).keys.filter {
            answer.headers[$0.lowercased()] == nil
        }
        guard missing.isEmpty else { return ["\(method) \(path): no header \(missing)"] }
        guard let content = response["content"] as? [String: Any] else {
            return answer.body.isEmpty ? [] : ["a body that should not be"]
        }
        let type = String(answer.headers["content-type"]?.prefix { $0 != ";" } ?? "none")
        guard let media = content[type] as? [String: Any] else { return ["\(method) \(path): not \(type)"] }
        guard type.hasSuffix("json") else { return [] }
        guard let value = try? answer.json() else { return ["\(method) \(path): no JSON"] }
        return faults(of: value, by: media["schema"], at: "\(method) \(path)")
    }

    private func faults(of value: Any, by schema: Any?, at path: String) -> [String] {
        guard let schema = resolved(schema) else { return ["\(path): no schema"] }
        if let choices = schema["enum"] as? [AnyHashable], !choices.contains(where: { $0 == value as? AnyHashable }) {
            return ["\(path): \(value) is none of \(choices)"]
        }
        switch schema["type"] as? String {
        case "object":
            guard let object = value as? [String: Any] else { return ["\(path): no object"] }
            let known = schema["properties"] as? [String: Any] ?? [:]
            let missing = (schema["required"] as? [String] ?? []).filter { object[$0] == nil }
            return missing.map { "\(path): \($0) is missing" }
                + object.flatMap { key, item -> [String] in
                    if let property = known[key] { return faults(of: item, by: property, at: "\(path).\(key)") }
                    if schema["additionalProperties"] as? Bool == true { return [] }
                    guard let rest = schema["additionalProperties"] as? [String: Any] else {
                        return ["\(path): \(key) is not described"]
                    }
                    return faults(of: item, by: rest, at: "\(path).\(key)")
                }
        case "array":
            guard let items = value as? [Any] else { return ["\(path): no array"] }
            return items.flatMap { faults(of: $0, by: schema["items"], at: "\(path)[]") }
        case "string": return value is String ? [] : ["\(path): no string"]
        case "boolean": return value is Bool ? [] : ["\(path): no boolean"]
        case "integer", "number":
            guard let number = value as? NSNumber else { return ["\(path): no number"] }
            let isWhole = number.doubleValue.rounded() == number.doubleValue
            if schema["type"] as? String == "integer", !isWhole { return ["\(path): \(number) is not whole"] }
            if let least = schema["minimum"] as? NSNumber, number.doubleValue < least.doubleValue {
                return ["\(path): \(number) is too small"]
            }
            if let most = schema["maximum"] as? NSNumber, number.doubleValue > most.doubleValue {
                return ["\(path): \(number) is too large"]
            }
            return []
        case let type: return ["\(path): the type \(type ?? "none") is not understood"]
        }
    }

    /// The named schemas that let anything through, the references that lead nowhere, and the components that nothing
    /// refers to.
    package var openPaths: [String] {
        let schemas = components["schemas"] ?? [:]
        var references: Set<String> = []
        collect(document, into: &references)
        let all = components.filter { $0.key != "securitySchemes" }.flatMap { kind, named in
            named.keys.map { "#/components/\(kind)/\($0)" }
        }
        let unused = Set(all).subtracting(references).map { "\($0) is not used" }
        let loose = references.filter { resolved(["$ref": $0]) == nil }.map { "\($0) is not there" }
        return (schemas.flatMap { openPaths(in: $1, at: $0) } + unused + loose).sorted()
    }

    private func collect(_ value: Any, into references: inout Set<String>) {
        if let list = value as? [Any] { for item in list { collect(item, into: &references) } }
        guard let object = value as? [String: Any] else { return }
        if let reference = object["$ref"] as? String { references.insert(reference) }
        for item in object.values { collect(item, into: &references) }
    }

    private func openPaths(in schema: Any, at path: String) -> [String] {
        guard let schema = schema as? [String: Any] else { return [path] }
        if schema["$ref"] != nil { return [] }
        switch schema["type"] as? String {
        case "object":
            let properties = schema["properties"] as? [String: Any] ?? [:]
            let inner = properties.flatMap { openPaths(in: $1, at: "\(path).\($0)") }
            let missing = (schema["required"] as? [String] ?? []).filter { properties[$0] == nil }
            switch schema["additionalProperties"] {
            case let rest as [String: Any]: return inner + openPaths(in: rest, at: "\(path).*")
            case let isOpen as Bool where !isOpen: return inner + missing.map { "\(path).\($0)" }
            default: return inner + [path]
            }
        case "array": return openPaths(in: schema["items"] as Any, at: "\(path)[]")
        case "string", "boolean", "integer", "number": return []
        default: return [path]
        }
    }
}
