import Files
import Foundation
import JSON
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Generation

/// What `scripts/fixtures/generation.py` wrote.
enum Fixture {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    static let textModel = directory.appending(path: "text-model")

    static func json(_ name: String) throws -> JSONValue {
        try JSONValue.load(contentsOf: directory.appending(path: name))
    }

    /// A model of `scripts/fixtures/decoders.py`.
    static func decoder(_ name: String) -> URL {
        directory.deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "TransformersTests/Fixtures/decoders/\(name)")
    }
}

extension JSONValue {
    subscript(key: String) -> JSONValue { objectValue?[key] ?? .null }
    var tokens: [Int32] { arrayValue?.compactMap { $0.intValue.map(Int32.init) } ?? [] }
    var numbers: [Double] { arrayValue?.compactMap(\.doubleValue) ?? [] }
    var text: String { stringValue ?? "" }
}

/// True if the kernels compute the logits, whose bits then do not depend on what is computed beside them.
var hasExactBatches: Bool { PackedKernels.arePreferred(for: .float32, on: .cpu) }

/// Expects an error of one line whose message has all these parts.
func expectRefusal(
    _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
    let thrown = #expect(throws: (any Error).self, sourceLocation: sourceLocation, performing: body)
    guard let error = thrown as? any Error & CustomStringConvertible else { return }
    for part in parts {
        #expect(
            error.description.contains(part), "'\(error)' lacks '\(part)'", sourceLocation: sourceLocation)
    }
    #expect(!error.description.contains("\n"), sourceLocation: sourceLocation)
}
