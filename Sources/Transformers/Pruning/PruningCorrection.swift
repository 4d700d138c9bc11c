import Torch

/// The corrections of the parameters of a pruned model; ``PrunedSource`` says which.
struct PruningCorrection {
    private let selection: PrunedSelection
    private let importance: PruningImportance
    private let parameters: ParameterStore
    private let configuration: ModelConfiguration
    private let isOn: Bool
    /// The linear layer whose input is a norm's output, by the norm's name.
    private let readers: [String: String]
    private let lastNorm: String
    /// What is added to the weight of a norm before it multiplies.
    private let offset: Double
    /// The factor of token embeddings that keeps them where the model multiplies them by the root of its hidden size.
    private let embeddingFactor: Double
    private let tiesOutput: Bool
    /// The layers that write to the residual stream, by name, with the axis of their inputs.
    private let writers: [String: ParameterAxis]

    init(
        _ model: TransformerModel, _ selection: PrunedSelection, _ importance: PruningImportance, isOn: Bool
    ) throws {
        (self.selection, self.importance, self.isOn) = (selection, importance, isOn)
        (parameters, configuration) = (model.parameters, model.configuration)
        lastNorm = PrunableLayer.lastNorm(configuration)
        var (readers, writers) = ([String: String](), [String: ParameterAxis]())
        for (index, layer) in importance.layers.enumerated() {
            readers[layer.attentionInputNorm] = layer.attentionInput
            readers[layer.feedForwardInputNorm] = layer.feedForwardInput
            writers[layer.attentionOutput] = .queries(layer: index)
            writers[layer.feedForwardOutput] = .neurons(layer: index)
        }
        readers[lastNorm] = lastNorm
        (self.readers, self.writers) = (readers, writers)
        guard configuration.isDecoder else {
            (offset, embeddingFactor, tiesOutput) = (0, 1, false)
            return
        }
        let settings = try configuration.decoderSettings()
        offset = settings.norm == .rootMeanSquarePlusOne ? 1 : 0
        tiesOutput = settings.tiesOutput
        embeddingFactor =
            settings.embeddingScale == nil
            ? 1 : (Double(configuration.hiddenSize) / Double(selection.shape.hiddenSize)).squareRoot()
    }

    /// Returns a parameter with its correction: of a writer with the kept inputs alone, of others with its shape.
    ///
    /// - Parameters:
    ///   - name: The parameter's full name in the original.
    ///   - tensor: Its value there.
    ///   - axes: The axes of its dimensions.
    func callAsFunction(_ name: String, _ tensor: Tensor, _ axes: [ParameterAxis]) throws -> Tensor {
        guard let dot = name.lastIndex(of: ".") else { return tensor }
        let (module, isBias) = (String(name[..<dot]), name.hasSuffix(".bias"))
        if isOn, let axis = writers[module], let kept = selection.kept(axis) {
            return try isBias ? bias(module, tensor, kept) : weight(module, tensor, axes, kept)
        }
        guard let hidden = selection.kept(.hidden) else { return tensor }
        if name == configuration.wordTableName, embeddingFactor != 1 { return try tensor * embeddingFactor }
        guard let reader = readers[module] else { return tensor }
        return try norm(module, reader, tensor, hidden, isBias: isBias)
    }

    // MARK: - Matrices that write to the residual stream

    private func weight(
        _ module: String, _ tensor: Tensor, _ axes: [ParameterAxis], _ kept: [Int]
    ) throws -> Tensor {
        // (outputs, inputs)
        let weight = try configuration.storesInputsFirst ? tensor.transposed() : tensor
        let place = try Tensor(kept, device: weight.device)
        let own = try weight.indexSelect(dimension: 1, place)
        let change = try self.change(module, weight, kept)
        let result = try (own.to(.float64, .cpu) + change).to(.float32, weight.device)
        return try configuration.storesInputsFirst ? result.transposed().contiguous() : result
    }

    private func bias(_ module: String, _ tensor: Tensor, _ kept: [Int]) throws -> Tensor {
        guard let stored = try parameters[module + ".weight"]?.detached(),
            let sums = importance.moments.sums[module]
        else { return tensor }
        let weight = try configuration.storesInputsFirst ? stored.transposed() : stored
        let gone = try Self.others(kept, of: weight.size(1))
        let mean = try sums.values / Double(sums.count)
        let missing = try weight.indexSelect(dimension: 1, Tensor(gone, device: weight.device))
            .to(.float64, .cpu).matmul(mean.indexSelect(dimension: 0, Tensor(gone)).unsqueezed(1))
        let taken = try change(module, weight, kept)
            .matmul(mean.indexSelect(dimension: 0, Tensor(kept)).unsqueezed(1))
        return try (tensor.to(.float64, .cpu) + (missing - taken).squeezed(1)).to(.float32, tensor.device)
    }

    /// (outputs, kept) float64: what the kept inputs take over of the others.
    private func change(_ module: String, _ weight: Tensor, _ kept: [Int]) throws -> Tensor {
        guard let products = importance.moments.products[module], let sums = importance.moments.sums[module]
        else { throw TransformersError("the inputs of '\(module)' were not measured") }
        let count = Double(sums.count)
        var moments = try products.to(.float64, .cpu) / count
        if parameters[module + ".bias"] != nil {
            let mean = try (sums.values / count).unsqueezed(1)
            moments = try moments - mean.matmul(mean.transposed())
        }
        let (own, others) = (try Tensor(kept), try Tensor(Self.others(kept, of: weight.size(1))))
        let rows = try moments.indexSelect(dimension: 0, own)
        let square = try rows.indexSelect(dimension: 1, own)
        let cross = try rows.indexSelect(dimension: 1, others)
        let mean = try square.diagonalMean()
        // The fewer tokens beside inputs, the less the moments can be trusted.
        let ridge = max(PrunedSource.ridge, Double(kept.count) / count)
        var penalty = [Double](repeating: 0, count: kept.count * kept.count)
        for place in kept.indices {
            penalty[place * kept.count + place] = ridge * mean + 1e-30
        }
        let solved = try (square + Tensor(penalty, shape: [kept.count, kept.count])).solved(cross)
        return try weight.indexSelect(dimension: 1, others.to(.int64, weight.device)).to(.float64, .cpu)
            .matmul(solved.transposed())
    }

    private static func others(_ kept: [Int], of count: Int) -> [Int] {
        let kept = Set(kept)
        return (0..<count).filter { !kept.contains($0) }
    }

    // MARK: - Norms

    private func norm(
        _ module: String, _ reader: String, _ tensor: Tensor, _ hidden: [Int], isBias: Bool
    ) throws -> Tensor {
        guard isOn || embeddingFactor != 1 else { return tensor }
        guard let sums = importance.moments.sums[reader], let weight = parameters[module + ".weight"] else {
            return tensor
        }
        let gains = try weight.detached().array(of: Float.self).map { Double($0) + offset }
        let bias = try parameters[module + ".bias"].map {
            try $0.detached().array(of: Float.self).map(Double.init)
        }
        let (shift, deviation) = isOn ? try normalized(sums, gains, bias, hidden) : (0, 1)
        if isBias {
            return try (tensor.to(.float64, .cpu) + Tensor(gains.map { $0 * shift })).to(
                .float32, tensor.device)
        }
        // The output layer is the token embedding table, which was scaled.
        let scale = module == lastNorm && tiesOutput ? deviation / embeddingFactor : deviation
        return try Tensor(gains.map { Float($0 * scale - offset) }, device: tensor.device)
    }

    /// The mean and the deviation, over the kept dimensions, of what is normalized over all.
    private func normalized(
        _ sums: ActivationMoments.Sums, _ gains: [Double], _ bias: [Double]?, _ hidden: [Int]
    ) throws -> (shift: Double, deviation: Double) {
        let count = Double(sums.count)
        let (values, squares) = (
            try sums.values.array(of: Double.self), try sums.squares.array(of: Double.self)
        )
        let least = (gains.map(abs).max() ?? 0) * 1e-6
        var (first, second, used) = (0.0, 0.0, 0.0)
        for place in hidden where abs(gains[place]) > least {
            let (gain, shift) = (gains[place], bias?[place] ?? 0)
            let mean = values[place] / count
            first += (mean - shift) / gain
            second += (squares[place] / count - 2 * shift * mean + shift * shift) / (gain * gain)
            used += 1
        }
        guard used > 0, second > 0 else { return (0, 1) }
        // Without a bias it is the root mean square that is normalized by.
        guard bias != nil else { return (0, (second / used).squareRoot()) }
        let mean = first / used
        return (mean, max(1e-12, second / used - mean * mean).squareRoot())
    }
}

extension Tensor {
    /// The mean of a square matrix's diagonal.
    fileprivate func diagonalMean() throws -> Double {
        let count = try size(0)
        let values = try array(of: Double.self)
        var sum = 0.0
        for place in 0..<count { sum += values[place * count + place] }
        return sum / Double(Swift.max(1, count))
    }
}
