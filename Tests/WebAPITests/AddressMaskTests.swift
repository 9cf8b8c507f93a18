import Hub
import Testing
import WebAPI

struct AddressMaskTests {
    @Test(arguments: [
        ("Second at 192.0.2.7 was not let in", "Second at (address) was not let in"),
        ("Panic in all rooms, by 192.0.2.7", "Panic in all rooms, by (address)"),
        ("by 192.0.2.7.", "by (address)."), ("192.0.2.7:5004: no route", "(address):5004: no route"),
        ("2001:db8::7 was not let in", "(address) was not let in"), ("to [2001:db8::7]:5004", "to [(address)]:5004"),
        ("from fe80::1%eth0: gone", "from (address)%eth0: gone"), ("net 2001:db8::: full", "net (address): full"),
        ("::ffff:192.0.2.7 and 198.51.100.9, twice", "(address) and (address), twice"),
    ])
    func `an address is no part of what everybody reads`(text: String, masked: String) {
        #expect(AddressMask.masked(text) == masked)
    }

    @Test(arguments: [
        "", "Piano joined room 5004", "at 12:30:05", "v1.2.3", "1.2.3.4.5.6", "aa:bb:cc:dd:ee:ff", "::", "...", ":::::",
        "0.0.0.0:5004 is taken", "Who hears whom: 鋼琴 🎹", "http://127.0.0.1:8080/ and [::1]:80", "999.0.2.7",
    ])
    func `what is nobody's address stays as it is`(text: String) { #expect(AddressMask.masked(text) == text) }
}
