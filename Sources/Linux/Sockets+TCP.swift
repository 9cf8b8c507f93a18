import CLinux
import Glibc

/// What TCP knows of a connection, and how long it waits for one that says nothing (tcp(7)).
extension Sockets {
    /// A peer that has vanished without a word is noticed: it is asked after `idle` seconds of silence, and the connection
    /// ends when it has not answered for `patience` seconds, or has not acknowledged what was sent.
    package static func keepAlive(_ socket: borrowing Descriptor, idle: CInt, patience: CInt) {
        set(socket, SOL_SOCKET, SO_KEEPALIVE, 1)
        set(socket, CInt(IPPROTO_TCP), TCP_KEEPIDLE, idle)
        set(socket, CInt(IPPROTO_TCP), TCP_KEEPINTVL, max(1, patience / 3))
        set(socket, CInt(IPPROTO_TCP), TCP_KEEPCNT, 3)
        set(socket, CInt(IPPROTO_TCP), TCP_USER_TIMEOUT, 1000 * patience)
    }

    /// Closing it throws away what waits to be sent.
    package static func resetAtClose(_ socket: borrowing Descriptor) {
        var setting = linger(l_onoff: 1, l_linger: 0)
        _ = setsockopt(socket.number, SOL_SOCKET, SO_LINGER, &setting, socklen_t(MemoryLayout<linger>.size))
    }

    /// In microseconds, smoothed; nil for what is no connection.
    package static func roundTrip(_ socket: borrowing Descriptor) -> Int? {
        var info = tcp_info()
        var length = socklen_t(MemoryLayout<tcp_info>.size)
        guard getsockopt(socket.number, CInt(IPPROTO_TCP), TCP_INFO, &info, &length) == 0 else { return nil }
        return Int(info.tcpi_rtt)
    }

    /// Octets that the other side has not acknowledged.
    package static func unacknowledged(_ socket: borrowing Descriptor) -> Int {
        var octets: CInt = 0
        return midihub_unacknowledged(socket.number, &octets) == 0 ? Int(octets) : 0
    }
}
