import Foundation

/// Runs a test in an empty directory that is removed afterwards.
///
/// - Parameter body: The test, given the directory.
/// - Throws: What the test throws.
public func withTemporaryDirectory(_ body: (URL) throws -> Void) throws {
    let url = FileManager.default.temporaryDirectory
        .appending(path: "distill-tests-\(UUID().uuidString)").resolvingSymlinksInPath()
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: url) }
    try body(url)
}
