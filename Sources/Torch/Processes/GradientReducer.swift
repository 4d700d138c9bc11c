import CTorch

/// The sum of gradients over the processes of a group, in buckets that travel while the backward pass computes further
/// gradients (Li et al., "PyTorch Distributed", arXiv 2006.15704, section 3.2).
///
/// Of a table whose gradient is sparse, the rows travel that any process reads in the step.
public final class GradientReducer {
    private let handle: ct_gradient_reducer
    private let group: ProcessGroup

    /// About the bytes of a bucket: small enough that the first travels early, large enough that latency does not count.
    public static let bucketBytes = 4 << 20

    /// - Parameters:
    ///   - group: The processes over which gradients are summed.
    ///   - parameters: Float32 on the CPU, in about the order in which a forward pass reads them.
    ///   - sparseTables: Those of them (rows, width) whose gradients are sparse.
    ///   - bucketBytes: About the bytes of small gradients that travel together.
    /// - Throws: ``TorchError`` for parameters of another type or device.
    public init(
        _ group: ProcessGroup, parameters: [Tensor], sparseTables: [Tensor], bucketBytes: Int = bucketBytes
    ) throws {
        var made: ct_gradient_reducer?
        let areTables = parameters.map { parameter in sparseTables.contains { $0 === parameter } }
        try Tensor.withHandles(parameters) { handles, count in
            try check(
                ct_gradient_reducer_make(
                    group.handle, handles, count, areTables, Int64(bucketBytes), &made))
        }
        guard let made else { throw TorchError(kind: .internal, "an operation returned no reducer") }
        handle = made
        self.group = group
    }

    deinit { ct_gradient_reducer_free(handle) }

    /// Runs the last backward pass of a step and sums the gradients, with those of the step's passes before.
    ///
    /// - Parameters:
    ///   - rows: All rows of sparse tables that any process reads in the step, ascending, each once.
    ///   - backward: The backward pass.
    /// - Throws: ``TorchError``, or what the group makes of it, where a process has ended or does not come.
    public func reduce(rows: [Int64], _ backward: () throws -> Void) throws {
        let rows = try Tensor(rows)
        try check(ct_gradient_reducer_begin(handle, rows.handle))
        try group.explaining {
            try backward()
            try check(ct_gradient_reducer_finish(handle))
        }
    }
}
