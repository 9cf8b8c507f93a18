import Foundation
import Rooms

/// One line of the embedded engine's log: a JSON object, so that no name can forge another line. Instants are Unix
/// milliseconds. A reader leaves out what it does not know; `v` changes only when it could no longer do that.
package struct EngineLine: Codable {
    package enum Kind: String, Codable {
        case started, listening, joined, left, latency, losses, refused, silent, back, loop, touched, ended
        case problem = "trouble"
        case cannotListen = "cannot-listen"
        case echoReturned = "echo-returned"
        case halfOpen = "half-open"
        case call, pair, triggered, learned
    }

    package var v = 1
    package var at: Int64
    package var event: Kind
    package var pid: Int32?
    package var version: String?
    package var port: UInt16?
    /// The participant that the line is about, in full.
    package var participant: EngineStatus.Participant?
    /// Of an invitation that was refused, or of one that was accepted and never completed.
    package var name: String?
    package var address: String?
    package var reason: String?
    package var leaving: Leaving?
    /// How many notes and pedals were released for a participant who left or fell silent.
    package var released: Int?
    package var missing: Missing?
    package var times: Int?
    package var call: EngineStatus.Call?
    package var pair: EngineStatus.Failover?
    /// Of `learned`.
    package var note: NoteTrigger?

    package init(_ event: Kind, at: Int64) { (self.event, self.at) = (event, at) }
}
