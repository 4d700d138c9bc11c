import Foundation
import Testing

@Suite("Only tasks know which task it is")
struct TaskSourceTests {
    private static let sources = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources")

    /// Where a task may be told from another: its own folder, `config.json`, heads, and the texts of options.
    private static let places = [
        "/Distillation/Tasks/", "/DistillRuntime/Tasks/", "/Architectures/", "/Transformers/Heads/",
        "/Transformers/Families/",
    ]

    @Test("no other source tells one task from another")
    func sources() throws {
        let files = FileManager.default.enumerator(at: Self.sources, includingPropertiesForKeys: nil)
        var (read, found) = (0, [String]())
        for case let file as URL in try #require(files) where file.pathExtension == "swift" {
            guard !Self.places.contains(where: { file.path.contains($0) }) else { continue }
            read += 1
            let lines = try String(contentsOf: file, encoding: .utf8).split(
                separator: "\n", omittingEmptySubsequences: false)
            for (number, line) in zip(1..., lines) {
                let code = line.prefix { $0 != "/" }
                if code.contains(/(case|[!=]=) \.(singleLabel|multiLabel|regression|tokenClassification)\b/)
                    || code.contains("switch problemType {")
                {
                    found.append("\(file.lastPathComponent):\(number): \(line)")
                }
            }
        }
        #expect(read > 300)
        #expect(found.isEmpty, "\(found.joined(separator: "\n"))")
    }
}
