import Foundation

/// Runs a test in an empty directory that is removed afterwards.
func withTemporaryDirectory(_ body: (URL) throws -> Void) throws {
    let url = FileManager.default.temporaryDirectory
        .appending(path: "files-tests-\(UUID().uuidString)").resolvingSymlinksInPath()
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    try body(url)
}

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
