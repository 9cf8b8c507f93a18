import EngineProtocol

extension EngineLine {
    package init(_ news: EngineEvent, at: Int64) {
        self.init(.problem, at: at)
        switch news {
        case .listening(let port): (event, self.port) = (.listening, port)
        case .cannotListen(let port, let reason): (event, self.port, self.reason) = (.cannotListen, port, reason)
        case .joined(let participant): (event, self.participant) = (.joined, participant)
        case .left(let participant, let leaving, let released):
            (event, self.participant, self.leaving, self.released) = (.left, participant, leaving, released)
        case .measured(let participant): (event, self.participant) = (.latency, participant)
        case .losses(let participant): (event, self.participant) = (.losses, participant)
        case .refused(let address, let name, let port, let reason, let times):
            (event, self.address, self.name, self.port) = (.refused, address, name, port)
            (self.reason, self.times) = (reason, times)
        case .halfOpen(let address, let name, let port, let missing, let times):
            (event, self.address, self.name, self.port) = (.halfOpen, address, name, port)
            (self.missing, self.times) = (missing, times)
        case .silent(let participant, let released):
            (event, self.participant, self.released) = (.silent, participant, released)
        case .back(let participant): (event, self.participant) = (.back, participant)
        case .loop(let participant): (event, self.participant) = (.loop, participant)
        case .echoReturned(let participant): (event, self.participant) = (.echoReturned, participant)
        case .touched(let participant): (event, self.participant) = (.touched, participant)
        case .call(let call): (event, self.call) = (.call, call)
        case .pair(let pair): (event, self.pair) = (.pair, pair)
        case .triggered(let participant): (event, self.participant) = (.triggered, participant)
        case .learned(let participant, let note):
            (event, self.participant, self.note) = (.learned, participant, note)
        case .problem(let reason): self.reason = reason
        case .killed: reason = "a drill: this process is killed now"
        case .ended: event = .ended
        }
    }
}
