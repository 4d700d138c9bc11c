import Torch

/// Moments of what linear layers of a model read, over the tokens of some texts. It changes nothing.
final class ActivationMoments: LayerHook {
    /// Sums over tokens of each component of an input: (inputs) float64.
    struct Sums {
        var values: Tensor
        var magnitudes: Tensor
        var squares: Tensor
        var count: Int

        /// - Parameter rows: (T, inputs)
        init(_ rows: Tensor) throws {
            let wide = try rows.to(.float64, .cpu)
            values = try wide.sum(0)
            magnitudes = try wide.absolute().sum(0)
            squares = try wide.square().sum(0)
            count = try rows.size(0)
        }

        mutating func add(_ rows: Tensor) throws {
            let more = try Sums(rows)
            values = try values + more.values
            magnitudes = try magnitudes + more.magnitudes
            squares = try squares + more.squares
            count += more.count
        }
    }

    /// By the layer's full name.
    private(set) var sums: [String: Sums] = [:]
    /// (inputs, inputs) float32: sums of the products of components, by the layer's full name.
    private(set) var products: [String: Tensor] = [:]
    private let names: Set<String>
    private let paired: Set<String>

    /// - Parameters:
    ///   - names: The layers whose inputs are looked at.
    ///   - paired: Those of them whose products are summed.
    init(_ names: Set<String>, paired: Set<String>) {
        (self.names, self.paired) = (names, paired)
    }

    func input(_ x: Tensor, of layer: String) throws -> Tensor {
        if names.contains(layer) { try add(x.reshaped([-1, x.size(x.shape.count - 1)]), as: layer) }
        return x
    }

    func weight(_ weight: Tensor, of layer: String) throws -> Tensor { weight }

    /// Adds rows (T, inputs) under a name.
    func add(_ rows: Tensor, as name: String) throws {
        let rows = try rows.detached().to(.float32)
        if sums[name] == nil { sums[name] = try Sums(rows) } else { try sums[name]?.add(rows) }
        guard paired.contains(name) else { return }
        let more = try rows.transposed().matmul(rows)
        products[name] = try products[name].map { try $0 + more } ?? more
    }
}
