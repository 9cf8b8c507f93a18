import Testing

@testable import Hub

struct CurlTests {
    @Test func `whatever an address or a body holds stays one word of one option`() {
        var request = Curl(url: "https://example.org/\"; output = \"x", method: "POST")
        request.headers = ["Authorization: Bearer a\nb"]
        request.body = #"@/etc/passwd {"text":"a\"b\\c"}"#
        #expect(
            request.configuration().split(separator: "\n").map(String.init) == [
                #"url = "https://example.org/\"; output = \"x""#, "request = POST", #"proto = "=http,https""#,
                "globoff", "silent", #"header = "Authorization: Bearer a\nb""#,
                #"data-raw = "@/etc/passwd {\"text\":\"a\\\"b\\\\c\"}""#, "connect-timeout = 10", "max-time = 10",
            ])
    }

    @Test func `without curl the text name the package`() {
        #expect(Curl(url: "http://127.0.0.1:1/").run(curl: nil) == .failed("curl is not installed (apt install curl)"))
    }
}
