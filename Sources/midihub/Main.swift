//  The command line: its words, and its exit code. Everything it does is in module Hub: start at Subcommand+Run.swift.

import Glibc
import Hub

@main
struct Main {
    static func main() { exit(Subcommand.run(Array(CommandLine.arguments.dropFirst())).rawValue) }
}
