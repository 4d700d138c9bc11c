import Foundation

extension URL {
    /// The names of everything in this directory, hidden files too.
    func contents() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path(percentEncoded: false)).sorted()
    }

    func text() throws -> String { try String(contentsOf: self, encoding: .utf8) }

    func put(_ text: String) throws { try Data(text.utf8).write(to: self) }

    var plainPath: String { path(percentEncoded: false) }
}

/// Not a `FileError`.
struct Interruption: Error {}
