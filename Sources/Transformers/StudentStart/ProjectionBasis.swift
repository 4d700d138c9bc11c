import Foundation
import Torch

/// The directions of a teacher's residual stream that a narrower student keeps, as an orthonormal basis: the student's hidden
/// state is the teacher's in this basis.
///
/// They are the principal directions of the hidden states (those with the largest mean square, since the stream's norm is
/// what layer norms divide by), turned so that the least of them is the direction in which all of the student's dimensions
/// are equal: a layer norm subtracts the mean, and so takes that one away. The turn is the matrix of the discrete
/// cosine transform, which spreads every principal direction over all dimensions.
struct ProjectionBasis {
    /// (H, D) float32: from the teacher's H dimensions to the student's D.
    let matrix: Tensor
    /// The fraction of the hidden states' mean square that the kept directions have.
    let kept: Double

    /// - Parameters:
    ///   - moment: (H, H) float64: the sum of the hidden states' outer products.
    ///   - width: D.
    init(moment: Tensor, width: Int, device: Device) throws {
        let (values, vectors) = try moment.symmetricEigenvectors()
        let full = try vectors.size(0)
        let energies = try values.array(of: Double.self)
        kept = energies.suffix(width).reduce(0, +) / Swift.max(energies.reduce(0, +), .leastNormalMagnitude)
        guard width < full else {
            // Nothing is left out, so that nothing need be turned.
            let identity = (0..<full * full).map { $0 / full == $0 % full ? Float(1) : 0 }
            matrix = try Tensor(identity, shape: [full, full]).to(device)
            return
        }
        // Ascending: the first column is the least of the kept directions.
        let directions = try vectors.narrowed(dimension: 1, start: full - width, length: width)
        matrix = try directions.matmul(Tensor(Self.cosines(width), shape: [width, width])).to(
            .float32, device)
    }

    /// The orthonormal matrix of the discrete cosine transform, row k after row: row 0 is constant.
    private static func cosines(_ size: Int) -> [Double] {
        (0..<size * size).map { place in
            let (k, n) = (place / size, place % size)
            let scale = ((k == 0 ? 1 : 2) / Double(size)).squareRoot()
            return scale * cos(Double.pi / Double(size) * (Double(n) + 0.5) * Double(k))
        }
    }

    /// (…, H) → (…, D)
    func callAsFunction(_ hidden: Tensor) throws -> Tensor { try hidden.matmul(matrix) }
}
