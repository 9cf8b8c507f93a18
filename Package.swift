// swift-tools-version: 6.2
import PackageDescription

/// The one place of the program's version; `scripts/package --version` overrides it.
let version = Context.environment["MIDIHUB_VERSION"] ?? "0.1.0"

let everywhere: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]
/// Modules that touch no C: every unsafe word in them must be visible.
let pure = everywhere + [.strictMemorySafety()]

/// One line a module: what it may import is exactly what stands here. Siblings know nothing of each other; values pass
/// between them in `Hub`.
func module(
    _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil,
    settings: [SwiftSetting] = everywhere
) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}
func tests(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name), "TestSupport"] + dependencies,
        resources: resources, swiftSettings: everywhere)
}

let package = Package(
    name: "midihub",
    products: [.executable(name: "midihub", targets: ["midihub"])],
    targets: [
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CVersion"),
        .target(
            name: "VersionNumber", publicHeadersPath: ".", cSettings: [.define("MIDIHUB_VERSION", to: "\"\(version)\"")]
        ),
        .systemLibrary(name: "CALSA", pkgConfig: "alsa", providers: [.apt(["libasound2-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),

        module("MIDI", settings: pure),
        module("Rooms", ["MIDI"], settings: pure),
        module("RTPMIDI", ["MIDI"], settings: pure),
        module("TextMIDI", ["MIDI"], settings: pure),
        module("HubLink", ["RTPMIDI", "Rooms", "MIDI"], settings: pure),
        module("Linux", ["CLinux"]),
        module("Sequencer", ["Rooms", "MIDI", "Linux", "CALSA"]),
        module("EngineProtocol", ["Rooms", "MIDI", "Linux"]),
        module("Rtpmidid", ["Linux"]),
        module("Client", ["HubLink", "RTPMIDI", "Rooms", "MIDI", "Linux"]),
        module("Devices", ["Client", "HubLink", "Sequencer", "RTPMIDI", "Rooms", "MIDI", "Linux"]),
        module("Engine", ["EngineProtocol", "HubLink", "RTPMIDI", "Rooms", "MIDI", "Linux"]),
        module("PatchBay", ["Devices", "Sequencer", "Rooms", "MIDI", "Linux", "CALSA"]),
        module("Store", ["Linux", "CSQLite"]),
        module("HTTP", ["Linux"]),
        module("Supervisor", ["Linux"]),
        module(
            "Hub",
            [
                "CVersion", "Client", "Devices", "TextMIDI", "EngineProtocol", "Rtpmidid", "PatchBay", "Sequencer",
                "Supervisor",
                "Store",
                "RTPMIDI",
                "Rooms", "MIDI", "Linux",
            ]),
        module(
            "WebAPI", ["Devices", "Hub", "HTTP", "EngineProtocol", "Store", "Rooms", "MIDI", "Linux"],
            resources: [.embedInCode("openapi.json")]),
        module(
            "CommandLine",
            [
                "WebAPI", "Hub", "HTTP", "HubLink", "Engine", "EngineProtocol", "Client", "Devices", "PatchBay",
                "Sequencer",
                "Supervisor",
                "Store",
                "RTPMIDI", "Rooms", "MIDI", "Linux",
            ]),
        .executableTarget(name: "midihub", dependencies: ["CommandLine", "VersionNumber"], swiftSettings: everywhere),

        .target(
            name: "TestSupport", dependencies: ["CALSA", "CLinux", "Linux", "MIDI", "RTPMIDI"],
            path: "Tests/TestSupport",
            swiftSettings: everywhere),
        .target(name: "TestTraits", path: "Tests/TestTraits", swiftSettings: everywhere),
        .executableTarget(
            name: "rtpmidid-double", dependencies: ["CLinux", "Linux", "MIDI", "RTPMIDI", "TestSupport"],
            path: "Tests/RtpmididDouble",
            swiftSettings: everywhere),
        .target(name: "BenchBare", path: "Tests/BenchBare"),
        .executableTarget(
            name: "midihub-bench",
            dependencies: [
                "BenchBare", "Client", "HubLink", "CALSA", "Sequencer", "PatchBay", "Linux", "MIDI", "RTPMIDI",
                "TestSupport",
            ],
            path: "Tests/Bench",
            swiftSettings: everywhere),
        .testTarget(
            name: "DoubleTests", dependencies: ["TestSupport", "Linux", "rtpmidid-double"],
            resources: [.copy("Fixtures")], swiftSettings: everywhere),
        tests("MIDI"),
        tests("Rooms", ["MIDI"]),
        tests("RTPMIDI", ["MIDI", "midihub"], resources: [.copy("Fixtures")]),
        tests("TextMIDI"),
        tests("HubLink", ["RTPMIDI", "Rooms", "MIDI", "Linux"]),
        tests("Linux"),
        tests("Devices", ["Client", "Sequencer", "Rooms", "MIDI", "Linux"]),
        tests("Engine", ["EngineProtocol", "HubLink", "Client", "RTPMIDI", "Rooms", "MIDI", "Linux"]),
        tests("PatchBay", ["Sequencer", "Rooms", "MIDI", "Linux", "midihub"]),
        tests("Store", ["CSQLite"]),
        tests("HTTP", ["Linux"]),
        tests("Supervisor", ["Linux"]),
        tests("Rtpmidid", ["Linux"], resources: [.copy("Fixtures")]),
        tests(
            "Hub",
            [
                "Client", "Devices", "Supervisor", "Store", "Rooms", "PatchBay", "Sequencer", "EngineProtocol", "Engine",
                "Rtpmidid", "HTTP",
                "MIDI",
                "Linux", "TestTraits", "rtpmidid-double",
            ], resources: [.copy("Fixtures")]),
        tests(
            "WebAPI",
            [
                "TestTraits", "CommandLine", "Devices", "Sequencer", "Hub", "HTTP", "EngineProtocol", "Store", "Rooms",
                "MIDI", "Linux",
            ]),
        tests("CommandLine", ["WebAPI", "Hub", "EngineProtocol", "Client", "Store", "Rooms", "MIDI", "Linux"]),
        .testTarget(
            name: "EmbeddedTests",
            dependencies: ["TestSupport", "CommandLine", "Linux", "MIDI", "RTPMIDI", "midihub", "rtpmidid-double"],
            resources: [.copy("Fixtures")], swiftSettings: everywhere),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["TestSupport", "Linux", "MIDI", "CALSA", "midihub", "rtpmidid-double"],
            swiftSettings: everywhere),
    ]
)
