import Hub

/// `GET /api/v1/openapi.json`: what the API says of itself (OpenAPI 3.1). It is the file openapi.json beside this one, which the
/// build puts into the program. A test holds it against a running hub, and so does schemathesis (Tests/System/test-api).
enum OpenAPI {
    /// The document, with this program's version in the place that the file keeps for it.
    static let document = Array(
        String(decoding: PackageResources.openapi_json, as: UTF8.self).replacing("@VERSION@", with: Version.text).utf8)
}
