import Client
import EngineProtocol
import Linux
import Rooms
import Store
import TestSupport
import TestTraits
import Testing

@testable import Hub

private let secret = "correct horse battery staple"

extension EngineStatus.Failover {
    fileprivate static func like(
        _ phase: HubRole.Phase, _ reason: HubRole.Reason? = nil, isUp: Bool = true, isLinked: Bool? = nil,
        isAlike: Bool? = true
    ) -> Self {
        var status = Self(
            phase: phase, epoch: 3, since: 1000, reason: reason, limit: 150, isConnected: isUp,
            isLinked: isLinked ?? isUp)
        status.isAlike = isUp ? isAlike : nil
        return status
    }
}

/// The configuration's `failover`.
@Suite struct FailoverConfigurationTests {
    private func read(_ failover: String) throws(ConfigurationError) -> ConfigurationFailover? {
        try Configuration(text: "{ rooms: { Main: { ports: [5004] } },\n\nfailover: \(failover) }").failover
    }

    @Test func `it names the other hub, the secret and the role`() throws {
        let failover = try #require(
            try read(#"{ with: "hub-b.example.org", secret: "\#(secret)", role: "backup", silence: 80, lockout: 7 }"#))
        #expect(failover.address == "hub-b.example.org:5004" && failover.role == .backup)
        #expect(failover.secret == secret && failover.settings.silence == 80 && failover.settings.lockout == 7)
        #expect(failover.settings.switchBack == .manual && !failover.settings.confirm)
    }

    @Test(arguments: [
        (#"{ secret: "S", role: "main" }"#, "\"with\" is missing"),
        (#"{ with: "b", secret: "S" }"#, "\"role\" is missing"),
        (#"{ with: "b", role: "main" }"#, "\"secret\" is missing"),
        (#"{ with: "b", secret: "too short", role: "main" }"#, "has 9 characters, and needs 16"),
        (#"{ with: "b", secret: "S", role: "boss" }"#, "\"boss\" is none of main, backup"),
        (#"{ with: "127.0.0.1:5004", secret: "S", role: "main" }"#, "127.0.0.1:5004 is this hub itself"),
        (#"{ with: "localhost", secret: "S", role: "main" }"#, "is this hub itself"),
        (#"{ with: "b", secret: "S", role: "main", silence: 5 }"#, "milliseconds (10 to 60000)"),
        (#"{ with: "b", secret: "S", role: "main", preset: "gig" }"#, "none of rehearsal, show, manual"),
        (#"{ with: "b", secret: "S", role: "main", note: { channel: 17, note: 1 } }"#, "a channel, 1 to 16"),
        (#"{ with: "b", secret: "S", role: "main", note: { channel: 16 } }"#, "\"note\" is missing"),
        (
            #"{ with: "b", secret: "S", role: "main", note: { note: 1, guard: 1 } }"#,
            "the note and its guard are the same"
        ),
        (#"{ with: "b", secret: "S", role: "main", swichBack: "auto" }"#, "did you mean switchBack"),
    ])
    func `what is wrong with it is said with its line`(failover: String, text: String) throws {
        let error = #expect(throws: ConfigurationError.self) {
            try read(failover.replacing("\"S\"", with: "\"\(secret)\""))
        }
        let said = error?.description ?? ""
        #expect(said.hasPrefix("line 3: ") && said.contains(text), "\(said)")
        #expect(!said.contains("horse") && !said.contains("too short"))
    }

    @Test func `a key goes before the preset, wherever it stands`() throws {
        let show = try read(#"{ with: "b", secret: "\#(secret)", role: "main", preset: "show" }"#)
        #expect(show?.settings == .init(confirm: true))
        let mixed = try read(#"{ confirm: false, with: "b", secret: "\#(secret)", role: "main", preset: "manual" }"#)
        #expect(mixed?.settings == .init(confirm: false, whenUnsure: .wait))
        #expect(mixed?.settings.consequences.contains { $0.contains("the other one waits") } ?? false)
    }

    @Test func `the environment's secret goes before the file's`() throws {
        let value = try ConfigurationValue(text: #"{ with: "b", role: "main", secret: "another horse battery" }"#)
        let variable = ConfigurationFailover.variable
        #expect(try ConfigurationFailover.read(value, environment: [variable: secret]).secret == secret)
        let error = #expect(throws: ConfigurationError.self) {
            try ConfigurationFailover.read(value, environment: [variable: "short"])
        }
        #expect(error?.description == "MIDIHUB_FAILOVER_SECRET has 5 characters, and needs 16 to 1024")
    }

    @Test func `rtpmidid can be no half of a pair, and it is said why`() throws {
        var configuration = Configuration()
        configuration.failover = .init(with: .init(name: "b"), secret: secret, role: .main)
        #expect(EngineKind.rtpmidid.cannotHonour(configuration) == "failover")
        configuration.engine = .rtpmidid
        let error = #expect(throws: ConfigurationError.self) { try configuration.checkEngine() }
        #expect(error?.description.contains("ALSA hides its packets") ?? false, "\(String(describing: error))")
    }

    @Test func `the digest tells what has to be the same, and nothing else`() {
        let focus = Focus(controllers: ["APC"])
        let one = RoomPlan(name: "Main", policy: .auto, ports: [5004], focus: focus)
        let two = RoomPlan(name: "Duets", policy: .pair, ports: [5010, 5012])
        let digest = FailoverPlan.digest(of: [one, two])
        var other = one
        (other.ports, other.displayName) = ([6004], "Elsewhere")
        other.focus?.holder = .init("Piano")
        other.blocks = [Block(from: "A", to: "B")]
        #expect(FailoverPlan.digest(of: [two, other]) == digest && digest.count == 16)
        for change in [
            { (room: inout RoomPlan) in room.policy = .all }, { $0.maximum = 3 }, { $0.name = "Hall" },
            { $0.focus?.byTouch = true }, { $0.ports = [5004, 5006] },
            { $0.inputs = [Input(name: "APC", of: ["L", "R"])] },
        ] {
            var changed = one
            change(&changed)
            #expect(FailoverPlan.digest(of: [changed, two]) != digest, "\(changed)")
        }
        #expect(FailoverPlan.digest(of: [one, two], NoteTrigger(channel: 1, note: 1)) != digest)
    }
}

/// What the hub makes of what its engines tell.
@Suite struct FailoverWatchTests {
    private typealias Settings = ConfigurationFailover.Settings

    /// One who has seen these, and is up for long enough.
    private func watch(_ statuses: EngineStatus.Failover...) -> FailoverWatch {
        var watch = FailoverWatch()
        for status in statuses { _ = watch.see([status], at: 0) }
        return watch
    }

    @Test func `it tells that the partner is there, that it is away, and who speaks from then on`() {
        var watch = FailoverWatch()
        #expect(watch.see([.like(.starting, isUp: false)], at: 0) == [])
        #expect(watch.see([.like(.standby)], at: 1) == [.joined])
        #expect(watch.see([.like(.standby)], at: 2) == [])
        #expect(watch.see([.like(.alone, .ended, isUp: false)], at: 3) == [.lost, .switched(speaks: true, .ended)])
        #expect(watch.see([.like(.active, .ended)], at: 4) == [.joined])
        #expect(watch.see([.like(.fenced, .ended)], at: 5) == [])
        #expect(watch.see([.like(.standby, .order)], at: 6) == [.switched(speaks: false, .order)])
        #expect(watch.switches == [.ended: 1, .order: 1])
    }

    @Test func `an engine that begins anew is no news of the partner`() {
        var watch = watch(.like(.active))
        #expect(watch.see([], at: 1) == [])
        #expect(watch.see([.like(.active)], at: 2) == [.joined])
    }

    @Test(arguments: [
        (EngineStatus.Failover.like(.active), 4_999, "the other hub has been there for less than 5 s"),
        (.like(.active, isAlike: false), 5_000, "the hubs' configurations differ"),
        (.like(.active, isAlike: nil), 5_000, "it is not known whether both hubs have the same configuration"),
        (.like(.alone, isUp: false), 5_000, "the other hub is away"),
        (.like(.active, isLinked: false), 5_000, "nothing comes from the other hub over UDP"),
        (.like(.fenced), 5_000, "which hub speaks is just being found out"),
    ])
    func `an order is refused with the reason`(status: EngineStatus.Failover, after: Int64, reason: String) {
        var watch = watch(status)
        #expect(watch.order(Settings(), force: false, at: after) == .refused([reason]))
        #expect(watch.order(Settings(), force: true, at: after) == .go)
    }

    @Test func `whoever is muted does not get the word`() {
        var mine = EngineStatus.Failover.like(.standby)
        mine.isHeldBack = true
        #expect(watch(mine).obstacles(at: 5_000) == ["this hub is muted for maintenance"])
        var theirs = EngineStatus.Failover.like(.active)
        theirs.isPartnerHeldBack = true
        #expect(watch(theirs).obstacles(at: 5_000) == ["the other hub is muted for maintenance"])
    }

    @Test func `another order has to wait for a while`() {
        var watch = watch(.like(.active))
        watch.ordered(at: 10_000)
        #expect(
            watch.order(Settings(), force: false, at: 14_999) == .refused(["the last switch was less than 5 s ago"]))
        #expect(watch.order(Settings(), force: false, at: 15_000) == .go)
        #expect(watch.order(Settings(lockout: 0), force: false, at: 10_001) == .go)
    }

    @Test func `with confirmation the second order within three seconds goes`() {
        var watch = watch(.like(.active))
        let settings = Settings(confirm: true)
        #expect(watch.order(settings, force: false, at: 6_000) == .armed(until: 9_000))
        #expect(watch.order(settings, force: false, at: 9_000) == .go)
        #expect(watch.order(settings, force: false, at: 10_000) == .armed(until: 13_000))
        #expect(watch.order(settings, force: false, at: 13_001) == .armed(until: 16_001))
        #expect(watch.order(settings, force: true, at: 13_002) == .go)
    }

    @Test func `the backup hub gives back by itself to a main hub that has been well for long enough`() {
        var failover = ConfigurationFailover(with: .init(name: "b"), secret: secret, role: .backup)
        failover.settings.switchBack = .auto
        #expect(!watch(.like(.active, .ended)).returns(failover, at: 59_999))
        #expect(watch(.like(.active, .ended)).returns(failover, at: 60_000))
        #expect(!watch(.like(.standby, .ended)).returns(failover, at: 60_000))
        #expect(!watch(.like(.active, .ended, isAlike: false)).returns(failover, at: 60_000))
        // What a person has ordered stays.
        #expect(!watch(.like(.active, .order)).returns(failover, at: 60_000))
        failover.role = .main
        #expect(!watch(.like(.active, .ended)).returns(failover, at: 60_000))
        (failover.role, failover.settings.switchBack) = (.backup, .manual)
        #expect(!watch(.like(.active, .ended)).returns(failover, at: 60_000))
    }

    @Test func `of several engines the worst is told`() {
        var watch = FailoverWatch()
        #expect(watch.see([.like(.active), .like(.alone, isUp: false)], at: 0) == [])
        #expect(!watch.isUp && watch.isSpeaking == true)
        #expect(watch.see([.like(.active), .like(.standby)], at: 1) == [.joined])
        #expect(watch.isMixed && watch.isSpeaking == nil)
    }
}

/// A hub with a partner.
@Suite(.ownThread) struct FailoverHubTests {
    private func stage(
        in directory: HubStage? = nil, _ change: @escaping (inout ConfigurationFailover) -> Void = { _ in }
    ) throws
        -> HubStage
    {
        let configure: (inout Configuration) -> Void = { configuration in
            var failover = ConfigurationFailover(with: .init(name: "192.0.2.9"), secret: secret, role: .main)
            change(&failover)
            configuration.failover = failover
        }
        return try directory.map { try HubStage(in: $0.die(), configure) } ?? HubStage(configure)
    }
    private func tell(_ status: EngineStatus.Failover, onBoth: Set<Int64> = [], _ stage: HubStage) {
        stage.carrier.pairs = [PairReport(status: status, onBoth: onBoth)]
        stage.hub.lookAtPair(at: Timestamp.now.advanced(by: .seconds(-10)))
    }

    @Test func `every engine is told of the partner, and what is changed by a reload`() throws {
        let stage = try stage()
        let plan = try #require(stage.carrier.plans.last?.failover)
        #expect(plan.ports == ["Main": 5004, "Duets": 5010] && plan.host == "192.0.2.9" && plan.isMain)
        stage.edit { $0.failover?.settings.whenUnsure = .wait }
        let reply = try stage.obey(.reload)
        #expect(reply == .done("Configuration read again: the pair of two hubs has changed."))
        #expect(stage.carrier.plans.last?.failover?.waitsWhenUnsure == true)
        stage.edit { $0.failover = nil }
        _ = try stage.obey(.reload)
        #expect(stage.carrier.plans.last?.failover == nil && stage.publish().failover == nil)
    }

    @Test func `an order goes to the engines, and is on record with who gave it`() throws {
        let stage = try stage()
        tell(.like(.active, .started), stage)
        #expect(try stage.obey(.failover(.switch, force: false)) == .done("The other hub is to speak."))
        #expect(stage.carrier.switches == ["order"])
        let refused = try stage.obey(.failover(.switch, force: false))
        #expect(refused == .conflict("Not done: the last switch was less than 5 s ago. Force goes over that."))
        _ = try stage.obey(.failover(.switch, force: true))
        #expect(stage.carrier.switches == ["order", "order"])
        #expect(try stage.texts(.pairOrder).first == "The other hub is to speak, by somebody with the token")
        stage.carrier.switchFailure = "the partner is not there"
        #expect(try stage.obey(.failover(.switch, force: true)) == .conflict("Not switched: the partner is not there."))
    }

    @Test func `a first order that is to be confirmed tells until when`() throws {
        let stage = try stage { $0.settings.confirm = true }
        tell(.like(.active), stage)
        let first = try stage.obey(.failover(.switch, force: false))
        #expect(first.outcome == .accepted && first.armedUntil != nil && stage.carrier.switches == [])
        #expect(stage.publish().failover?.armedUntil == first.armedUntil)
        #expect(try stage.obey(.failover(.switch, force: false)).outcome == .done)
    }

    @Test func `a hub without a partner says so`() throws {
        let stage = try HubStage()
        #expect(try stage.obey(.failover(.switch, force: true)).outcome == .conflict)
        #expect(stage.publish().failover == nil)
    }

    @Test func `being muted is kept over restarts, and is refused where nobody would speak`() throws {
        let stage = try stage()
        tell(.like(.alone, isUp: false), stage)
        #expect(try stage.obey(.failover(.mute, force: false)).outcome == .conflict)
        tell(.like(.active), stage)
        #expect(
            try stage.obey(.failover(.mute, force: false))
                == .done("This hub is muted for maintenance: the other one speaks."))
        #expect(stage.carrier.plans.last?.failover?.isHeldBack == true)
        let next = try self.stage(in: stage)
        #expect(next.carrier.plans.last?.failover?.isHeldBack == true && next.publish().failover?.muted == true)
        #expect(try next.obey(.failover(.unmute, force: false)) == .done("This hub may speak again."))
        #expect(next.carrier.plans.last?.failover?.isHeldBack == nil)
        #expect(try next.obey(.failover(.unmute, force: false)).text.contains("it was so before"))
    }

    @Test func `what happens is on record, and who is on one hub only is shown`() throws {
        let stage = try stage()
        let (piano, desk) = (stage.engine.join("Piano"), stage.engine.join("Desk"))
        var status = EngineStatus.Failover.like(.active, .started)
        status.elsewhere = [
            .init(
                id: 1, name: "Bass", room: "Main", portIndex: 0, host: "192.0.2.3", ssrc: 1, origin: 1, number: 0,
                isLinked: false, since: 0)
        ]
        tell(status, onBoth: [piano.visit.id], stage)
        let view = try #require(stage.publish().failover)
        #expect(view.participants.map { "\($0.name) \($0.on)" } == ["Piano both", "Desk this", "Bass partner"])
        #expect(
            view.sentence
                == "Either hub may go now: the other one goes on for the 1 who stands on both; 2 are on one hub only.")
        #expect(view.ready && desk.visit.room == "Main")
        tell(.like(.alone, .started, isUp: false), stage)
        #expect(stage.publish().health.notices == ["No redundancy: the other hub is away."])
        #expect(
            try stage.texts(.pairJoined, .pairLost) == [
                "The other hub is there; this one speaks", "The other hub is away: there is no redundancy",
            ])
    }

    @Test func `an alert tells of a partner that is away for two seconds, and of a difference`() throws {
        let stage = try stage()
        func readings() -> [String: Bool] {
            let all = AlertWatch.readings(stage.publish(), diskUsed: nil, AlertSettings(url: "x"), now: 100_000)
            return Dictionary(uniqueKeysWithValues: all.map { ($0.alert.id, $0.isBad) })
        }
        tell(.like(.active), stage)
        #expect(readings()["no-redundancy"] == false && readings()["configuration-differs"] == false)
        tell(.like(.active, isAlike: false), stage)
        #expect(readings()["configuration-differs"] == true)
        var split = EngineStatus.Failover.like(.standby, .split)
        split.since = 50_000
        tell(split, stage)
        #expect(readings()["pair-split"] == true)
        tell(.like(.alone, isUp: false), stage)
        let away = AlertWatch.readings(stage.publish(), diskUsed: nil, AlertSettings(url: "x"), now: 100_000)
            .first { $0.alert.alert == .noRedundancy }
        #expect(away?.isBad == true && away?.patience == 2_000 && away?.text == "No redundancy: the other hub is away.")
    }

    @Test func `doctor tells whether TCP, UDP or the configuration is what is wrong`() throws {
        let stage = try stage()
        func finding(_ status: EngineStatus.Failover, reach: Doctor.Reach? = nil) throws -> Doctor.Finding {
            tell(status, stage)
            let pair = try #require(stage.publish().failover)
            return try #require(Doctor.pair(pair, reach: reach).first)
        }
        #expect(try finding(.like(.active)).isWell)
        var away = EngineStatus.Failover.like(.alone, isUp: false)
        away.trouble = "Connection timed out"
        #expect(try finding(away).text == "it cannot be reached over TCP at 192.0.2.9:5004: Connection timed out")
        for (tcp, udp, text) in [
            (true, true, "TCP gets through to 192.0.2.9:5004, but what answers there is not the other hub"),
            (true, false, "TCP gets through to 192.0.2.9:5004, but what answers there is not the other hub"),
            (false, true, "it answers over UDP, but TCP does not get through to 192.0.2.9:5004"),
            (false, false, "nothing answers at 192.0.2.9:5004, neither over TCP nor over UDP"),
        ] {
            #expect(try finding(away, reach: .init(tcp: tcp, udp: udp)).text == text + ": Connection timed out")
        }
        away.isConnected = true
        #expect(try finding(away).text == "TCP reaches it, but nothing comes from it over UDP")
        #expect(try finding(.like(.active, isAlike: false)).text == "its configuration is another one")
    }

    @Test func `the backup hub gives back by itself, and says why`() throws {
        let stage = try stage {
            $0.role = .backup
            ($0.settings.switchBack, $0.settings.after) = (.auto, 5)
        }
        tell(.like(.active, .ended), stage)
        stage.hub.attendPair()
        stage.hub.attendPair()
        #expect(stage.carrier.switches == ["returned"])
        // It is said again as long as nothing comes of it.
        #expect(
            try Set(stage.texts(.pairOrder)) == ["This hub gives back to the main one, which has been well for 5 s"])
    }

    private func report(_ id: Int64 = 5, lost: Int = 0) -> DrillReport {
        var desk = DrillReport.Hearer(name: "Desk", room: "Main", kind: .paired)
        (desk.events, desk.lost, desk.doubled, desk.late, desk.held) = (120, lost, 0, 1.2, 2)
        return DrillReport(DrillPlan(id: id, kind: .handover), ended: id + 3_000, trouble: nil, hearers: [desk])
    }

    @Test func `a drill goes to the engines as a switch does, and names the hub as a person does`() throws {
        let stage = try stage()
        var status = EngineStatus.Failover.like(.active, .started)
        status.partnerName = "Gallery"
        tell(status, stage)
        let reply = try stage.obey(.drill(.init(.mute, hub: "Gallery", seconds: 3), force: false))
        #expect(reply == .accepted("A drill has begun: the backup hub says nothing for 3 s."))
        #expect(stage.carrier.drills.last?.isMain == false && stage.carrier.drills.last?.duration == 3_000)
        #expect(
            try stage.obey(.drill(.init(.handover), force: false))
                == .conflict("Not done: the last switch was less than 5 s ago. Force goes over that."))
        for (word, isMain) in [("here", true), ("partner", false), ("main", true), ("backup", false)] {
            _ = try stage.obey(.drill(.init(.kill, hub: word), force: true))
            #expect(stage.carrier.drills.last?.isMain == isMain, "\(word)")
        }
        #expect(try stage.obey(.drill(.init(.kill, hub: "Nobody"), force: true)).outcome == .invalid)
        stage.carrier.drillFailure = "a drill is on"
        #expect(try stage.obey(.drill(.init(.handover), force: true)) == .conflict("No drill: a drill is on."))
        status.drilling = DrillPlan(id: 1, kind: .handover)
        tell(status, stage)
        #expect(stage.publish().failover?.obstacles == ["a drill is on"])
    }

    @Test func `a first order for a drill is not confirmed by one for a switch`() throws {
        let stage = try stage { $0.settings.confirm = true }
        tell(.like(.active), stage)
        #expect(try stage.obey(.drill(.init(.handover), force: false)).armedUntil != nil)
        #expect(try stage.obey(.failover(.switch, force: false)).armedUntil != nil)
        #expect(stage.carrier.switches == [] && stage.carrier.drills == [])
        #expect(try stage.obey(.failover(.switch, force: false)).outcome == .done)
    }

    @Test func `where nobody would take over, muting the hub that speaks needs force`() throws {
        let stage = try stage { $0.settings.whenUnsure = .wait }
        tell(.like(.active), stage)
        let refused = try stage.obey(.drill(.init(.mute, hub: "here"), force: false))
        #expect(refused.outcome == .conflict && refused.text.contains("nobody would speak"))
        #expect(try stage.obey(.drill(.init(.mute, hub: "partner"), force: false)).outcome == .accepted)
        #expect(try stage.obey(.drill(.init(.mute, hub: "here"), force: true)).outcome == .accepted)
    }

    @Test func `what comes of a drill is told, kept over restarts, and counted from`() throws {
        let stage = try stage { $0.settings.drillEvery = 2 }
        var status = EngineStatus.Failover.like(.active)
        status.drill = report()
        tell(status, stage)
        tell(status, stage)
        let texts = try stage.texts(.drill)
        #expect(
            texts == [
                "A drill, handed over and back. Passed: of 120 messages for 1 on both hubs 0 got lost and 0 came twice; the latest waited 1.2 ms; 2 notes sounded on."
            ])
        status.drill = report(9, lost: 1)
        tell(status, stage)
        #expect(
            try stage.texts(.drill).last?.contains("Failed: of 120 messages for 1 on both hubs 1 got lost") ?? false)
        let next = try self.stage(in: stage) { $0.settings.drillEvery = 2 }
        let view = try #require(next.publish().failover)
        let drills = try #require(view.drills)
        #expect(drills.map(\.id) == [9, 5] && view.drilledAt == 3_005)
        #expect(drills.map(\.hearers.count) == [1, 0] && drills[1].text?.contains("Passed") ?? false)
        func isDue(at now: Int64) -> Bool? {
            AlertWatch.readings(next.publish(), diskUsed: nil, AlertSettings(url: "x"), now: now)
                .first { $0.alert.alert == .notDrilled }?.isBad
        }
        #expect(isDue(at: 3_005 + 2 * 86_400_000) == false && isDue(at: 3_006 + 2 * 86_400_000) == true)
    }

    @Test func `without a wish for it nobody is told that there was no drill, and with it there has to be one`() throws
    {
        func alerts(_ days: Int?) throws -> [Bool] {
            let stage = try stage { $0.settings.drillEvery = days }
            tell(.like(.active), stage)
            return AlertWatch.readings(stage.publish(), diskUsed: nil, AlertSettings(url: "x"), now: 100_000)
                .filter { $0.alert.alert == .notDrilled }.map(\.isBad)
        }
        #expect(try alerts(nil) == [] && alerts(30) == [true])
    }

    @Test func `what several engines have measured of one drill is one report`() throws {
        let stage = try stage()
        var (one, other) = (EngineStatus.Failover.like(.active), EngineStatus.Failover.like(.active))
        (one.drill, other.drill) = (report(), report(lost: 2))
        stage.carrier.pairs = [PairReport(status: one), PairReport(status: other)]
        stage.hub.lookAtPair()
        #expect(stage.publish().failover?.drills?.first?.hearers.count == 2)
        #expect(stage.publish().failover?.drills?.first?.passed == false)
        // One of them has forgotten it.
        stage.carrier.pairs = [PairReport(status: one)]
        stage.hub.lookAtPair()
        #expect(stage.publish().failover?.drills?.first?.hearers.count == 2)
    }

    @Test func `the presets are shown with what they mean, and what is risky with a warning`() throws {
        let stage = try stage { ($0.settings.silence, $0.settings.lockout) = (15, 0) }
        tell(.like(.active), stage)
        let settings = try #require(stage.publish().failover?.settings)
        let (presets, warnings) = (try #require(settings.presets), try #require(settings.warnings))
        #expect(presets.map(\.preset) == [.rehearsal, .show, .manual])
        #expect(presets.allSatisfy { $0.consequences.count == settings.consequences.count })
        #expect(warnings.count == 2 && warnings[0].contains("15 ms is shorter than the pauses"))
        let pair = try #require(stage.publish().failover)
        #expect(Doctor.pair(pair).map(\.isOptional) == [false, true, true])
        #expect(ConfigurationFailover.Preset.show.settings.warnings == [])
        #expect(ConfigurationFailover.Settings().warnings == [])
    }

    @Test func `where a hub waits for a silent partner a person may have it speak, until that is there again`() throws {
        let stage = try stage { $0.settings.whenUnsure = .wait }
        var waits: Bool? { stage.carrier.plans.last?.failover?.waitsWhenUnsure }
        tell(.like(.active), stage)
        // The connection stands, and the engine still takes the partner for one that may come back.
        tell(.like(.suspect), stage)
        let view = try #require(stage.publish().failover)
        #expect(!view.partner.linked && view.partner.speaks == nil && view.sentence.contains("The other hub is silent"))
        #expect(try stage.obey(.failover(.switch, force: false)).outcome == .conflict && waits == true)
        #expect(try stage.obey(.failover(.switch, force: true)).outcome == .done)
        #expect(waits == nil && stage.carrier.switches == [])
        tell(.like(.alone, .silent, isUp: false), stage)
        #expect(waits == nil)
        tell(.like(.active, .silent), stage)
        #expect(waits == true)
    }
}
