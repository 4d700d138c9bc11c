import Architectures
import Files
import Foundation
import Safetensors
import Testing

@testable import DistillRuntime

/// A directory among the fixtures of the models' tests, which `scripts/fixtures` writes with real transformers.
func modelFixture(_ name: String) -> URL { tests.appending(path: "TransformersTests/Fixtures/\(name)") }

/// A small classifier with its tokenizer.
let tinyTeacher = tests.appending(path: "InteropTests/Fixtures/tiny-teacher")

private let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

/// What transformers computed for a fixture's batch.
struct Golden {
    private let checkpoint: SafetensorsCheckpoint

    init(_ name: String) throws {
        checkpoint = try SafetensorsCheckpoint(file: modelFixture(name).appending(path: "golden.safetensors"))
    }

    func floats(_ name: String) throws -> [Float] {
        try checkpoint.bytes(of: name).withMemoryRebound(to: UInt8.self) { bytes in
            stride(from: 0, to: bytes.count, by: 4).map {
                UnsafeRawPointer(bytes.baseAddress! + $0).loadUnaligned(as: Float.self)
            }
        }
    }

    private func integers(_ name: String) throws -> [Int] {
        try checkpoint.bytes(of: name).withMemoryRebound(to: UInt8.self) { bytes in
            stride(from: 0, to: bytes.count, by: 8).map {
                Int(UnsafeRawPointer(bytes.baseAddress! + $0).loadUnaligned(as: Int64.self))
            }
        }
    }

    /// The batch's rows that are padded on the right alone, without their padding, and the places of their tokens among all.
    func texts() throws -> (texts: PackedTexts, places: [Int]) {
        let shape = try #require(checkpoint.info("input_ids")).shape
        let ids = try integers("input_ids")
        let mask = try integers("attention_mask")
        let types = checkpoint.info("token_type_ids") == nil ? nil : try integers("token_type_ids")
        var texts = PackedTexts()
        var places: [Int] = []
        for row in 0..<shape[0] where mask[row * shape[1]] == 1 {
            for place in row * shape[1]..<(row + 1) * shape[1] where mask[place] == 1 {
                places.append(place)
                texts.ids.append(Int32(ids[place]))
            }
            texts.offsets.append(Int64(texts.ids.count))
        }
        texts.types = types.map { types in places.map { Int32(types[$0]) } }
        return (texts, places)
    }
}

func encoder(_ directory: URL, usesBFloat16: Bool = false) throws -> Encoder {
    try Encoder(
        SafetensorsCheckpoint(directory: directory), path: directory.path,
        ModelConfiguration(contentsOf: directory), usesBFloat16: usesBFloat16)
}

extension AlignedBuffer {
    var array: [Element] { Array(UnsafeBufferPointer(start: pointer, count: count)) }
}

/// The largest difference, relative to the largest expected number.
func relativeError(_ actual: [Float], _ expected: [Float]) -> Double {
    guard actual.count == expected.count, !expected.isEmpty else { return .infinity }
    let difference = zip(actual, expected).map { abs(Double($0) - Double($1)) }
    let size = expected.map { abs(Double($0)) }.max() ?? 0
    return difference.reduce(0) { $1.isNaN ? .infinity : max($0, $1) } / size
}
