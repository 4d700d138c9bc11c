import CTorch

/// A parameter as a computation reads it: itself, or its copy in a type of lower precision.
///
/// While gradients are recorded, the conversion is part of the graph, so that they reach the parameter. Otherwise the
/// copy is kept until the parameter changes: a frozen model converts its weights once.
final class ComputeCopy {
    let parameter: Tensor
    private var copy: Tensor?
    private var version: Int64 = -1

    init(_ parameter: Tensor) { self.parameter = parameter }

    func callAsFunction(_ dtype: DType) throws -> Tensor {
        if parameter.dtype == dtype { return parameter }
        if ct_grad_enabled(), parameter.requiresGrad { return try parameter.to(dtype) }
        let current = ct_version_of(parameter.handle)
        if let copy, copy.dtype == dtype, version == current { return copy }
        let fresh = try parameter.detached().to(dtype)
        (copy, version) = (fresh, current)
        return fresh
    }
}
