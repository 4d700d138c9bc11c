import Files
import Foundation
import JSON
import Safetensors
import TestSupport
import Testing
import Torch

@testable import Transformers

/// A directory of `Fixtures`, which `scripts/fixtures/bert.py` writes.
func fixture(_ name: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures").appending(path: name)
}

extension URL {
    func put(_ text: String) throws { try Data(text.utf8).write(to: self) }
}

/// The numbers that transformers computed for a fixture.
struct Golden {
    private let checkpoint: SafetensorsCheckpoint
    /// Of the fixture's batch.
    let input: ModelInput

    init(_ variant: String) throws {
        checkpoint = try SafetensorsCheckpoint(
            file: fixture(variant).appending(path: "golden.safetensors"))
        input = ModelInput(
            inputIDs: try Self.tensor(checkpoint, "input_ids"),
            attentionMask: try Self.tensor(checkpoint, "attention_mask"),
            tokenTypeIDs: checkpoint.info("token_type_ids") == nil
                ? nil : try Self.tensor(checkpoint, "token_type_ids"))
    }

    subscript(name: String) -> Tensor { get throws { try Self.tensor(checkpoint, name) } }

    /// The names of parameters whose gradients are known.
    var gradientNames: [String] {
        checkpoint.names.filter { $0.hasPrefix("grad.") }.map { String($0.dropFirst(5)) }.sorted()
    }

    /// A gradient below this is rounding alone, as that of a key's bias: it adds the same to all scores of a row,
    /// which softmax takes away.
    func roundingLimit() throws -> Double {
        1e-5 * (try gradientNames.map { try self["grad.\($0)"].absolute().max().item() }.max() ?? 0)
    }

    private static func tensor(_ checkpoint: SafetensorsCheckpoint, _ name: String) throws -> Tensor {
        let info = try #require(checkpoint.info(name), "no \(name)")
        let dtype: DType = info.dtype == .int64 ? .int64 : .float32
        return try Tensor(bytes: checkpoint.bytes(of: name), shape: info.shape, dtype: dtype)
    }
}

/// The largest difference, relative to the largest expected number.
func relativeError(_ actual: Tensor, _ expected: Tensor) throws -> Double {
    try #require(actual.shape == expected.shape)
    let (a, b) = (try actual.array(of: Double.self), try expected.array(of: Double.self))
    let difference = zip(a, b).map { abs($0 - $1) }.reduce(0) { $1.isNaN ? .infinity : max($0, $1) }
    let size = b.map(abs).max() ?? 0
    return size > 0 ? difference / size : difference
}

func expectClose(
    _ actual: Tensor, _ expected: Tensor, within tolerance: Double = 1e-4, _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let error = try relativeError(actual, expected)
    #expect(error <= tolerance, "\(what): relative error \(error)", sourceLocation: sourceLocation)
}

/// Expects an error of the loader or of its configuration, of one line, whose message has all these parts.
func expectRefusal(
    _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
    let thrown = #expect(throws: (any Error).self, sourceLocation: sourceLocation, performing: body)
    guard let error = thrown as? any Error & CustomStringConvertible else { return }
    #expect(error is TransformersError || error is ArchitectureError, sourceLocation: sourceLocation)
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

/// The small model with fresh parameters.
func smallModel(
    seed: UInt64 = 1, _ changes: (inout ModelConfiguration) -> Void = { _ in }
) throws -> TransformerModel {
    try AutoModel.make(.small(changes), source: nil, seed: seed)
}

/// Rows of token ids, padded on the right to `length` or the longest.
func batch(_ rows: [[Int]], paddedTo length: Int? = nil) throws -> ModelInput {
    let longest = length ?? rows.map(\.count).max() ?? 0
    let padded = rows.map { $0 + [Int](repeating: 0, count: longest - $0.count) }
    let mask = rows.map { $0.map { _ in 1 } + [Int](repeating: 0, count: longest - $0.count) }
    let shape = [rows.count, longest]
    return ModelInput(
        inputIDs: try Tensor(padded.flatMap(\.self), shape: shape),
        attentionMask: try Tensor(mask.flatMap(\.self), shape: shape))
}

/// All weights' bytes by name.
func bytes(_ model: TransformerModel) throws -> [String: [UInt8]] {
    var result: [String: [UInt8]] = [:]
    for entry in model.parameters.entries { result[entry.name] = try entry.tensor.bytes() }
    return result
}

/// Expects that a model which is loaded and saved again has the same tensors, byte for byte, and the same configuration.
func expectSameWhenSaved(_ source: URL) throws {
    let model = try AutoModel.load(from: source).model
    try withTemporaryDirectory { target in
        try ModelWriter.save(model, to: target)
        let (before, after) = (
            try SafetensorsCheckpoint(directory: source), try SafetensorsCheckpoint(directory: target)
        )
        #expect(before.names.sorted() == after.names.sorted())
        for tensor in before.names {
            #expect(try Array(before.bytes(of: tensor)) == Array(after.bytes(of: tensor)), "\(tensor)")
        }
        #expect(try ModelConfiguration(contentsOf: target) == model.configuration)
    }
}
