//  The command line: its words, and its exit code. Everything it does is in module CommandLine: start at Subcommand.swift.

import CommandLine
import Glibc
import Hub

@main
struct Main {
    static func main() { exit(Subcommand.run(Array(Swift.CommandLine.arguments.dropFirst())).rawValue) }
}
