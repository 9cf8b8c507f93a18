package import EngineProtocol
package import Linux

/// The embedded engine: one thread that owns its sockets, its participants and all their state. It is told what to do
/// by `send`, and tells what happens by `news`; neither is on the path of a packet.
package final class EngineThread {
    private let orders: Mailbox<EngineLoopCommand>
    private let news: Mailbox<EngineEvent>
    private let plan: EnginePlan
    private let sessions: String?
    private let version: String
    private let isAlone: Bool
    private var thread: WorkerThread?

    /// - Parameters:
    ///   - sessions: the file of the session table, which lets an engine that was killed go on; nil keeps none.
    ///   - isAlone: the process is there for this engine. Its end is seen at once, whatever else the process does.
    package init(
        _ plan: EnginePlan, sessions: String?, version: String, isAlone: Bool = false, news: Mailbox<EngineEvent>
    ) throws(Errno) {
        (self.plan, self.sessions, self.version, self.isAlone, self.news) = (plan, sessions, version, isAlone, news)
        orders = try Mailbox()
    }

    /// Opens the ports and begins. Ports that cannot be had are told of, and tried again.
    package func start() throws(Errno) {
        let (plan, sessions, version, isAlone, orders, news) = (plan, sessions, version, isAlone, orders, news)
        thread = try WorkerThread("midi") {
            if isAlone { try? SuddenEnd.ownDescriptors() }
            let isRealTime = RealTime.askForThisThread()
            do throws(Errno) {
                try EngineLoop(
                    sessions: sessions, version: version, isRealTime: isRealTime, orders: orders, news: news
                ).run(plan)
            } catch {
                news.send(.problem("the engine cannot run: \(error)"))
                news.send(.ended)
            }
        }
    }

    package func send(_ order: EngineLoopCommand) { orders.send(order) }

    /// Waits until the thread has ended, which `.stop` makes it do.
    package func join() {
        let running = thread.take()
        running?.join()
    }
}
