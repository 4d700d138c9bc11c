import Architectures
import Torch

/// A decoder's normalization, of the kind that its family has.
enum DecoderNorm {
    case layer(LayerNorm)
    case rootMeanSquare(RMSNorm)

    /// - Parameters:
    ///   - scope: The scope of its parameters.
    ///   - width: The size of the last dimension.
    init(_ scope: ParameterScope, _ kind: DecoderSettings.Norm, width: Int, epsilon: Double) throws {
        self =
            switch kind {
            case .layer: .layer(try LayerNorm(scope, width: width, epsilon: epsilon))
            case .rootMeanSquare: .rootMeanSquare(try RMSNorm(scope, width: width, epsilon: epsilon))
            case .rootMeanSquarePlusOne:
                .rootMeanSquare(try RMSNorm(scope, width: width, epsilon: epsilon, offset: 1))
            }
    }

    /// The norm by the root mean square; `nil` for layer normalization.
    var rootMeanSquare: RMSNorm? { if case .rootMeanSquare(let norm) = self { norm } else { nil } }

    /// (…, width) float32 → (…, width) in a type
    func callAsFunction(_ x: Tensor, _ dtype: DType = .float32) throws -> Tensor {
        switch self {
        case .layer(let norm): try norm(x).to(dtype)
        case .rootMeanSquare(let norm): try norm(x, dtype)
        }
    }
}
