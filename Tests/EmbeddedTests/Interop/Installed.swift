import Glibc
import TestSupport

/// The path of a program that this machine has; nil where it has none of this name.
func installed(_ name: String) -> String? {
    (environment("PATH") ?? "").split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
}
