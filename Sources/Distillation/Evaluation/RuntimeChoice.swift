import Architectures
import DistillRuntime
import Foundation
import RegularExpressions
import Torch
import Transformers

/// The choice between the runtime without libtorch and libtorch, for predictions.
enum RuntimeChoice {
    /// Opens a model for the runtime; `nil` where libtorch has to compute it: on another device, for layers that have no kernels, and
    /// where libtorch is measured to be faster.
    static func model(
        _ directory: URL, maxLength: Int?, device: Device, precision: Precision
    ) throws -> RuntimeModel? {
        guard device.kind == .cpu, !AutoModel.isGGUF(directory) else { return nil }
        let configuration = try ModelConfiguration(contentsOf: directory)
        let dtype: DType =
            configuration.quantization == nil ? precision.resolved(on: device).dtype : .int8
        guard RuntimeModel.supports(configuration), PackedKernels.arePreferred(for: dtype, on: device) else {
            return nil
        }
        return try RuntimeModel(
            directory.path(percentEncoded: false),
            .init(maxLength: maxLength, usesBFloat16: dtype == .bfloat16), configuration,
            expressions: ICURegularExpressions())
    }
}
