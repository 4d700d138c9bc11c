import Distillation
import Torch

/// Collects the values that go into each linear layer: their range, then their histogram. It changes nothing.
final class ActivationRanges: LayerHook {
    static let bins = 2048

    /// The observed values of one layer's input.
    struct Values {
        var low = Float.infinity
        var high = -Float.infinity
        /// Over low … high, and of absolute values over 0 … the largest.
        var counts = [Double](repeating: 0, count: bins)
        var absoluteCounts = [Double](repeating: 0, count: bins)

        var largest: Float { max(-low, high) }
    }

    /// By the layer's full name.
    private(set) var values: [String: Values] = [:]
    /// Linear layers in the order in which they compute.
    private(set) var linearLayers: [String] = []
    /// All layers that asked for a weight: linear layers and tables.
    private(set) var layers: Set<String> = []
    /// True if ranges are known, and histograms are being filled.
    var isCounting = false

    func input(_ x: Tensor, of layer: String) throws -> Tensor {
        if values[layer] == nil {
            values[layer] = Values()
            linearLayers.append(layer)
        }
        if isCounting { try count(x, layer) } else { try measure(x, layer) }
        return x
    }

    func weight(_ weight: Tensor, of layer: String) throws -> Tensor {
        layers.insert(layer)
        return weight
    }

    private func measure(_ x: Tensor, _ layer: String) throws {
        let (low, high) = (Float(try x.min().item()), Float(try x.max().item()))
        guard low.isFinite, high.isFinite else {
            throw DistillationError(
                "the input of '\(layer)' is not finite on the calibration data; look at the data and the model"
            )
        }
        var own = values[layer] ?? Values()
        (own.low, own.high) = (min(own.low, low), max(own.high, high))
        values[layer] = own
    }

    private func count(_ x: Tensor, _ layer: String) throws {
        guard var own = values[layer], own.low < own.high else { return }
        for (bin, count) in try x.histogram(bins: Self.bins, in: own.low...own.high).enumerated() {
            own.counts[bin] += count
        }
        for (bin, count) in try x.absolute().histogram(bins: Self.bins, in: 0...own.largest).enumerated() {
            own.absoluteCounts[bin] += count
        }
        values[layer] = own
    }
}
