import CTorch

extension Tensor {
    /// The eigenvalues (n), ascending, and the eigenvectors (n, n), in columns, of a symmetric matrix (n, n).
    ///
    /// - Throws: ``TorchError`` where the tensor is not a square matrix of floating point, or has elements that are not finite.
    public func symmetricEigenvectors() throws -> (values: Tensor, vectors: Tensor) {
        var values: ct_tensor?
        let vectors = try Tensor.make { ct_eigh(handle, &values, $0) }
        guard let values else { throw TorchError("the eigenvalues are missing") }
        return (Tensor(owning: values), vectors)
    }

    /// Solves `self` · x = `right`, for a regular matrix (n, n) and right sides (n, m).
    ///
    /// - Returns: x (n, m).
    /// - Throws: ``TorchError`` where the matrix is singular or the shapes do not fit.
    public func solved(_ right: Tensor) throws -> Tensor {
        try .make { ct_solve(handle, right.handle, $0) }
    }
}
