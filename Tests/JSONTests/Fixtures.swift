import Foundation

/// The files that `scripts/fixtures/json_text.py` writes.
func fixture(_ name: String) throws -> String {
    let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    return try String(contentsOf: directory.appending(path: "Fixtures/\(name)"), encoding: .utf8)
}
