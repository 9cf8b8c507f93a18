import EngineProtocol
import Linux
import Rooms
import Store

/// A note that is an order to switch two hubs: the engines take it out of the music, here it passes the same gate as each
/// order, and is learned.
extension Hub {
    /// A note that was played longer ago, while no hub was there, is no order any more.
    private static let patience: Duration = .seconds(3)
    /// A moment longer than the engines wait.
    private static let learning: Duration = .milliseconds(10_500)

    /// Who has asked for it.
    struct Learner {
        let author: Author
        let reply: Reply
        let timer: EventLoop.TimerID
    }

    func triggered(by name: String, at moment: Timestamp) {
        guard moment > Timestamp.now.advanced(by: .zero - Self.patience) else { return }
        switchHubs(by: Author(noteOf: name), "An order by a note", participant: name)
    }

    /// An order to which nobody reads an answer: what stands against it is on record.
    func switchHubs(by author: Author, _ what: String, participant: String? = nil) {
        guard let failover = context.configuration.failover else { return }
        let tell = { [unowned self] (reply: CommandReply) in
            guard reply.outcome != .done else { return }
            context.note(
                .pairOrder, severity: .warning, participant: participant, address: author.address,
                "\(what): \(reply.text)")
        }
        guard !refusedByLock(.failover(.switch, force: false), by: author, tell) else { return }
        switchHubs(failover, false, author, tell)
    }

    // MARK: Learning

    /// The reply comes when a note was played, or none was.
    func learn(_ author: Author, _ reply: @escaping Reply) {
        endLearning(.conflict("Somebody else has asked for a note meanwhile."))
        let timer = context.loop.after(Self.learning) { [unowned self] in
            endLearning(.conflict("Nobody has played a note for 10 s: the order is as it was."))
        }
        learner = Learner(author: author, reply: reply, timer: timer)
        carrier.learnNote { [weak self] failure in
            if let failure { self?.endLearning(.unavailable("The engine does not listen for a note: \(failure).")) }
        }
    }

    func learned(_ note: NoteTrigger, from name: String) {
        guard let learner, let failover = context.configuration.failover else { return }
        choices.learned = LearnedNote(note, before: failover.note, stamp: newStamp(after: choices.learned?.stamp))
        recordChoices()
        let text = "\(note.sentence) \(ShownName.shown(name)) has played it"
        context.note(
            .pairOrder, participant: name, address: learner.author.address, "\(text), learned by \(learner.author)")
        applyPlan { _ in }
        endLearning(.done("\(text)."))
    }

    func endLearning(_ answer: CommandReply) {
        guard let one = learner.take() else { return }
        context.loop.cancel(one.timer)
        one.reply(answer)
    }
}

extension NoteTrigger {
    /// What it means, for people.
    var sentence: String {
        let stroke = above > 0 ? " struck harder than \(above)" : ""
        let held = guardNote.map { ", while note \($0) is held," } ?? ""
        return "Note \(note) on channel \(channel)\(stroke)\(held) is an order to switch, and nobody hears it."
    }
}
