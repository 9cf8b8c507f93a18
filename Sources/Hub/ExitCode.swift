/// Exit codes, by contract few (Hub.docc/StateDirectory.md).
package enum ExitCode: Int32, Sendable {
    case well = 0
    /// The answer is no: something is missing (doctor), the hub does not run (status).
    case no = 1
    case misuse = 64
    /// A needed thing is missing or taken.
    case unavailable = 69
    case bug = 70
}
