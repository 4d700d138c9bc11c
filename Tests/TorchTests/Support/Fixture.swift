import Files
import Foundation
import Safetensors
import Torch

/// A file of tensors that `scripts/fixtures/torch_ops.py` wrote with PyTorch.
struct Fixture {
    let file: SafetensorsFile

    init(_ name: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        file = try SafetensorsFile(contentsOf: folder.appending(path: "Fixtures/\(name).safetensors"))
    }

    var names: [String] { file.tensors.map(\.name) }

    /// The tensor of this name; `nil` if there is none.
    func optional(_ name: String) throws -> Tensor? {
        guard let info = file.info(name) else { return nil }
        let dtype: DType? =
            switch info.dtype {
            case .bool: .bool
            case .int64: .int64
            case .float32: .float32
            case .float64: .float64
            default: nil
            }
        guard let dtype else { throw FixtureError(description: "\(name) is \(info.dtype)") }
        return try Tensor(bytes: try file.bytes(of: name), shape: info.shape, dtype: dtype)
    }

    func callAsFunction(_ name: String) throws -> Tensor {
        guard let tensor = try optional(name) else {
            throw FixtureError(description: "no tensor '\(name)'; run scripts/fixtures/torch_ops.py")
        }
        return tensor
    }
}

struct FixtureError: Error, CustomStringConvertible {
    let description: String
}
