import Testing

@testable import CommandLine

@Suite struct HubURLTests {
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
