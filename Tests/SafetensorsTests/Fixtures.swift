import Files
import Foundation
import Safetensors
import TestSupport
import Testing

/// Where `scripts/fixtures/safetensors_files.py` writes.
let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

/// What `expected.json` says of a file, or of a checkpoint.
struct Expected: Decodable {
    struct Tensor: Decodable {
        let name: String
        let dtype: String
        let shape: [Int]
        let hex: String

        var bytes: [UInt8] {
            var bytes: [UInt8] = []
            var digits = hex.utf8.makeIterator()
            func value(_ digit: UInt8) -> UInt8 { digit < 58 ? digit - 48 : digit - 87 }
            while let high = digits.next(), let low = digits.next() {
                bytes.append(value(high) << 4 | value(low))
            }
            return bytes
        }

        func entry() throws -> SafetensorsWriter.Entry {
            .init(
                name: name, dtype: try #require(SafetensorsDType(rawValue: dtype)), shape: shape, bytes: bytes
            )
        }
    }

    let metadata: [String: String]
    let tensors: [Tensor]

    static func load(_ name: String) throws -> Expected {
        let data = try Data(contentsOf: fixtures.appending(path: "expected.json"))
        return try #require(try JSONDecoder().decode([String: Expected].self, from: data)[name])
    }

    static let fileNames = [
        "every-dtype.safetensors", "torch.safetensors", "numpy.safetensors", "no-tensors.safetensors",
    ]
}

extension URL {
    func contents() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path(percentEncoded: false)).sorted()
    }
}

/// A file with this header and as many zero bytes of data.
func file(header: String, data: Int = 0) -> [UInt8] {
    let length = UInt64(header.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + Array(header.utf8)
        + [UInt8](repeating: 0, count: data)
}

/// Writes and opens these bytes as a file.
func openFile(_ bytes: [UInt8], _ body: (SafetensorsFile) throws -> Void = { _ in }) throws {
    try withTemporaryDirectory { directory in
        let url = directory.appending(path: "model.safetensors")
        try Data(bytes).write(to: url)
        try body(SafetensorsFile(contentsOf: url))
    }
}
