import GGUF
import Torch

/// The weights of a model that are rounded as a GGUF file holds them, and all that is trained in their place.
public final class RoundedWeights {
    public let rounding: WeightRounding
    /// The rounded weights, in the order of the model's parameters.
    public let weights: [RoundedWeight]
    /// What is trained, under the names of the model's parameters: the numbers behind rounded ones, and the others themselves.
    public let parameters = ParameterStore()

    init(_ model: TransformerModel, _ rounding: WeightRounding) throws {
        self.rounding = rounding
        var weights: [RoundedWeight] = []
        for entry in model.parameters.entries {
            guard let own = rounding.weights[entry.name] else {
                try parameters.add(entry.name, entry.tensor, isAuxiliary: entry.isAuxiliary)
                continue
            }
            let weight = try RoundedWeight(
                name: entry.name, weight: entry.tensor, type: Int32(own.type.rawValue),
                isTransposed: own.isTransposed)
            weights.append(weight)
            try parameters.add(entry.name, weight.numbers)
        }
        self.weights = weights
    }

    /// Sets the model's weights to what the numbers behind them are in the file.
    func round() throws { for weight in weights { try weight.round() } }

    /// The bytes of the numbers behind the weights.
    public var bytes: Int { weights.reduce(0) { $0 + $1.numbers.count * $1.numbers.dtype.size } }
}

extension TransformerModel {
    /// Rounds the model's weights as a GGUF file holds them, now and whenever ``refreshWeights()`` is called, and trains the numbers
    /// behind them instead.
    ///
    /// - Throws: ``TransformersError`` where the model has adapters, or is rounded already.
    public func roundWeights(_ rounding: WeightRounding) throws {
        guard adapters == nil, rounded == nil else {
            throw TransformersError("a model with adapters, or with rounded weights, is not rounded")
        }
        rounded = try RoundedWeights(self, rounding)
    }

    /// Sets the weights that layers multiply by to what the trained parameters make of them: by adapters, or by rounding.
    public func refreshWeights() throws {
        try adapters?.merge()
        try rounded?.round()
    }

    /// The parameters as they are saved: of rounded ones the numbers behind them, which an export to the same type rounds again, to the
    /// same bits.
    var saved: ParameterStore { rounded?.parameters ?? parameters }

    /// Which weights are rounded, in words; `nil` where none is.
    public var roundingNote: String? {
        guard let rounded else { return nil }
        let types = Dictionary(grouping: rounded.rounding.weights.values, by: \.type.name)
            .sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.count)" }
        let (own, all) = (rounded.weights.reduce(0) { $0 + $1.numbers.count }, parameters.elementCount)
        return
            "Trained and evaluated with the rounding of \(rounded.rounding.name): \(own) of \(all) numbers, in \(rounded.weights.count) "
            + "tensors (\(types.joined(separator: ", "))). They are saved as they are before it; distill export --format gguf --outtype "
            + "\(rounded.rounding.name) rounds them to the same bits."
    }
}
