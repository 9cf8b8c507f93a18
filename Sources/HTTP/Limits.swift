/// What a peer may ask of the server. The defaults are the product's; tests make them small.
package struct Limits: Sendable {
    /// All header lines together, with their line ends; beyond it 431.
    package var headerBytes = 8 * 1024
    /// The request target as sent; beyond it 414.
    package var targetBytes = 8 * 1024
    /// Beyond it 413, said before the body is read.
    package var bodyBytes = 64 * 1024
    /// Open connections from other machines. Beyond it a caller with more than others loses one to the newcomer (see
    /// `Holder`), or the newcomer gets 503. This machine and the unix socket have as many again, so that strangers cannot
    /// lock out the command line.
    package var connections = 256
    /// Viewers of the stream, beside those connections, by the same rule.
    package var streams = 600
    /// How long the stream may be silent: then a comment shows that it is alive, to proxies too.
    package var beat: Duration = .seconds(15)
    /// From the first byte of a request to its last; then 408.
    package var requestTime: Duration = .seconds(10)
    /// Between requests on a connection that is kept alive (or before the first); then it is closed without a word.
    package var idleTime: Duration = .seconds(60)
    /// How long a peer may take nothing of an answer that waits for it; then it is closed.
    package var readerTime: Duration = .seconds(30)
    /// How long a handler may take; then the peer gets 503, and the handler's answer is dropped.
    package var answerTime: Duration = .seconds(30)
    /// After the last answer: how long the peer's remaining bytes are read and dropped. A socket closed with bytes unread
    /// is reset, which can destroy the answer before the peer has read it (RFC 9112 section 9.6).
    package var drainTime: Duration = .seconds(2)
    /// How long `Server.stop()` waits for answers under way.
    package var stopTime: Duration = .seconds(1)

    package init() {}

    /// How often deadlines are looked at: a deadline may be missed by this much.
    var tick: Duration {
        let shortest = [requestTime, idleTime, readerTime, answerTime, drainTime].min() ?? .seconds(4)
        return max(.milliseconds(10), min(.seconds(1), shortest / 4))
    }
}
