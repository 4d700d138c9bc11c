import Files
import Foundation
import Safetensors
import Torch

/// The requirement that weights be finite: a weight that is not makes every prediction that it reaches
/// worthless.
enum FiniteWeights {
    /// Returns true if all elements are finite.
    static func holds(_ tensor: Tensor) throws -> Bool {
        guard tensor.count > 0, tensor.dtype.isFloatingPoint else { return true }
        // A sum needs no memory. It can overflow although every element is finite, so only a finite sum is
        // conclusive.
        if try tensor.sum().item().isFinite { return true }
        return try tensor.absolute().max().item().isFinite
    }

    static func error(_ path: String, _ tensor: String) -> TransformersError {
        TransformersError(
            "\(path): tensor '\(tensor)' holds a number that is infinite or not a number (NaN): the weights are damaged, "
                + "or their training diverged; take another checkpoint")
    }

    /// Checks every tensor of a checkpoint.
    ///
    /// - Throws: ``TransformersError`` that names the tensor; `SafetensorsError` where a file is damaged.
    static func require(in checkpoint: SafetensorsCheckpoint, path: String) throws {
        for info in checkpoint.tensors {
            guard let dtype = CheckpointSource.floatingPointTypes[info.dtype] else { continue }
            let bytes = try checkpoint.bytes(of: info.name)
            // Views of the file where they can be, so that memory does not grow with the model.
            let owner = Held(checkpoint)
            let tensor =
                !bytes.isEmpty && Int(bitPattern: bytes.baseAddress).isMultiple(of: dtype.size)
                ? try Tensor(mapping: bytes, owner: owner, shape: info.shape, dtype: dtype)
                : try Tensor(bytes: bytes, shape: info.shape, dtype: dtype)
            guard try holds(tensor) else { throw error(path, info.name) }
        }
        checkpoint.releasePages()
    }

    private final class Held {
        let checkpoint: SafetensorsCheckpoint
        init(_ checkpoint: SafetensorsCheckpoint) { self.checkpoint = checkpoint }
    }
}

extension AutoModel {
    /// Checks every weight of a model directory, including those that loading leaves in the file.
    ///
    /// - Throws: ``TransformersError`` that names a tensor that holds infinity or NaN; `SafetensorsError`.
    public static func requireFiniteWeights(in directory: URL) throws {
        try FiniteWeights.require(
            in: SafetensorsCheckpoint(directory: directory), path: directory.plainPath)
    }
}
