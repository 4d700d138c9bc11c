import Foundation

extension URL {
    /// The path in plain form, for messages: no percent signs, no slash at the end.
    package var plainPath: String {
        let path = path(percentEncoded: false)
        return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }

    package var fileExists: Bool { FileManager.default.fileExists(atPath: path(percentEncoded: false)) }
}
