import Architectures
import Foundation
import TestSupport
import Testing

/// A directory of the fixtures of `TransformersTests`.
func fixture(_ name: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "TransformersTests/Fixtures").appending(path: name)
}

extension URL {
    func put(_ text: String) throws { try Data(text.utf8).write(to: self) }
}

/// Expects an ``ArchitectureError`` of one line whose message has all these parts.
func expectRefusal(
    _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
    guard
        let error = #expect(
            throws: ArchitectureError.self, sourceLocation: sourceLocation, performing: body)
    else { return }
    for part in parts {
        #expect(
            error.description.contains(part), "'\(error)' lacks '\(part)'", sourceLocation: sourceLocation)
    }
    #expect(!error.description.contains("\n"), sourceLocation: sourceLocation)
}

extension ModelConfiguration {
    /// The small model, with some fields changed.
    static func small(_ changes: (inout ModelConfiguration) -> Void = { _ in }) throws -> ModelConfiguration {
        var configuration = try ModelConfiguration(json: SmallModel.fields, source: "config.json")
        changes(&configuration)
        return configuration
    }
}
