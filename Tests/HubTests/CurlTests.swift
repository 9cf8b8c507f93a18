import Hub
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

    @Test func `without curl the words name the package`() {
        #expect(Curl(url: "http://127.0.0.1:1/").run(curl: nil) == .failed("curl is not installed (apt install curl)"))
        #expect(Doctor.alerts(curl: nil).isWell == false && Doctor.alerts(curl: nil).fix == "apt install curl")
    }

    @Test(arguments: [
        "http://127.0.0.1:8080", "https://hub.example.org", "https://hub.example.org/", "http://[::1]:8080",
        "HTTP://localhost",
    ])
    func `a hub's address`(text: String) {
        #expect(HubURL(text) != nil)
    }

    @Test(arguments: [
        "hub.example.org", "ftp://hub", "http://", "http://hub/path", "http://user@hub", "http://hub:0", "http://hub:x",
        "http://hub:70000", "http://hub?x", "http://h\"ub", "http://h ub", "https://", "http://::1",
        "file:///etc/passwd",
    ])
    func `what is none`(text: String) {
        #expect(HubURL(text) == nil)
    }

    @Test func `who could listen is known`() {
        #expect(HubURL("http://hub.example.org")?.isReadable == true)
        #expect(HubURL("https://hub.example.org")?.isReadable == false)
        #expect(HubURL("http://localhost:8080")?.isReadable == false)
    }
}
