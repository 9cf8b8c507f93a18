import CSQLite
import Glibc

/// What SQLite, or the file system under it, refused: which statement, which code, in which words.
/// Never carries a bound value: those are strangers' names and addresses.
package struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What the caller can do about it.
    package enum Kind: Hashable, Sendable {
        /// No room (or quota) left. Nothing was written; the same call works when there is room again.
        case diskFull
        /// The file was no database of ours or is broken. It has been set aside where that was possible (see
        /// `Database.drainNotices()`), and the same call begins on a new, empty file.
        case damaged
        /// The file was written by a newer version of the program. It was left as it is.
        case newerSchema(found: Int, known: Int)
        /// Another program holds the file locked, longer than we wait.
        case busy
        /// The file or its directory may not be written.
        case readOnly
        case other
    }

    /// SQLite's primary result code.
    package let code: Int32
    /// SQLite's extended result code; its low byte is `code`.
    package let extendedCode: Int32
    /// The errno(3) behind an input or output error, else 0.
    package let systemError: Int32
    package let message: String
    /// The statement, with its placeholders; empty where none was involved.
    package let sql: String
    package let kind: Kind

    init(extendedCode: Int32, systemError: Int32 = 0, message: String, sql: String = "", kind: Kind? = nil) {
        code = extendedCode & 0xFF
        self.extendedCode = extendedCode
        self.systemError = systemError
        self.message = message
        self.sql = sql
        self.kind = kind ?? Self.kind(of: extendedCode, systemError)
    }

    /// The last error of a connection, which SQLite keeps until the next call.
    init(from connection: OpaquePointer?, _ extendedCode: Int32, sql: String = "") {
        let said = sqlite3_errmsg(connection) ?? sqlite3_errstr(extendedCode)
        self.init(
            extendedCode: extendedCode,
            systemError: Self.comesFromSystem(extendedCode) ? sqlite3_system_errno(connection) : 0,
            message: said.map { String(cString: $0) } ?? "error \(extendedCode)", sql: sql)
    }

    package var description: String {
        var text = "SQLite: \(message) (code \(extendedCode))"
        if systemError != 0 { text += ", \(String(cString: strerror(systemError)))" }
        return sql.isEmpty ? text : "\(text), in: \(sql)"
    }

    /// sqlite3_system_errno(3) is left over from earlier calls unless the code is one of these.
    private static func comesFromSystem(_ extendedCode: Int32) -> Bool {
        [SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_FULL].contains(extendedCode & 0xFF)
    }

    /// https://sqlite.org/rescode.html. A full disk is SQLITE_FULL only where write(2) said so; the shared-memory
    /// file, syncs and quotas say it through errno.
    private static func kind(of extendedCode: Int32, _ systemError: Int32) -> Kind {
        switch extendedCode & 0xFF {
        case SQLITE_FULL: .diskFull
        case SQLITE_IOERR where systemError == ENOSPC || systemError == EDQUOT: .diskFull
        case SQLITE_CANTOPEN where systemError == ENOSPC || systemError == EDQUOT: .diskFull
        case SQLITE_CORRUPT, SQLITE_NOTADB: .damaged
        case SQLITE_BUSY, SQLITE_LOCKED: .busy
        case SQLITE_READONLY, SQLITE_PERM: .readOnly
        case SQLITE_CANTOPEN where systemError == EACCES || systemError == EROFS || systemError == EPERM: .readOnly
        default: .other
        }
    }
}
