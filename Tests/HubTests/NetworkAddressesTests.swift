import Hub
import Testing

@Suite struct NetworkAddressesTests {
    @Test func `of IPv6 addresses those are named that stay and that others reach`() {
        // /proc/net/if_inet6: loopback, link-local, global, temporary, deprecated, tentative, unique local, and nonsense.
        let table = """
            00000000000000000000000000000001 01 80 10 80       lo
            fe80000000000000021122fffe334455 02 40 20 80     eth0
            20010db8000000000000000000000007 02 40 00 80     eth0
            20010db80000000012ab34cd56ef7890 02 40 00 01     eth0
            20010db8000000000000000000000008 02 40 00 a0     eth0
            20010db8000000000000000000000009 02 40 00 c0     eth0
            fd000000000000000000000000000001 03 40 00 80     eth1
            2001 02 40 00 80 eth0
            zzzz0db8000000000000000000000007 02 40 00 80     eth0

            """
        #expect(NetworkAddresses.six(in: table) == ["2001:db8::7", "fd00::1"])
        #expect(NetworkAddresses.six(in: "") == [])
    }
}
