import Torch

/// An encoder on batches without padding. It runs on this package's kernels where they support all of its
/// layers, otherwise on libtorch's operations.
///
/// Shapes: B examples, R rows that a head reads, T tokens of all examples, L the longest example, H hidden size.
final class EncoderBackbone: Backbone {
    let configuration: ModelConfiguration
    let device: Device
    let parts: EncoderParts
    private let isQuantized: Bool
    /// The layers' packed form; empty where the kernels do not support one of them.
    private let packedLayers: [PackedEncoderLayer]
    /// Embeddings and layers started together, on a CUDA device.
    private let packedEncoder: PackedEncoder?
    /// The layers of a quantized model for packed input; empty where the kernels do not support one of them.
    private let mixedLayers: [PackedMixedLayer]

    init(_ parts: EncoderParts, _ configuration: ModelConfiguration, device: Device, isQuantized: Bool) throws
    {
        self.parts = parts
        self.configuration = configuration
        self.device = device
        self.isQuantized = isQuantized
        let canPack =
            parts.finalNorm == nil && parts.embeddings.canPack
            && (parts.positionBias == nil || device.kind == .cpu)
        let packed = canPack ? parts.layers.compactMap(\.packed) : []
        packedLayers = packed.count == parts.layers.count ? packed : []
        packedEncoder =
            device.kind == .cuda && !packedLayers.isEmpty ? try parts.embeddings.encoder(packedLayers) : nil
        let mixed =
            isQuantized && PackedMixedLayer.isPreferred && parts.finalNorm == nil
            ? try parts.layers.compactMap { try $0.mixed() } : []
        mixedLayers = mixed.count == parts.layers.count ? mixed : []
    }

    /// - Throws: as ``TransformerModel/callAsFunction(_:_:)``.
    func callAsFunction(_ input: PackedInput, _ rows: RowSelection, _ options: ForwardOptions) throws
        -> BackboneOutput
    {
        try input.validate(maxLength: configuration.maxLength)
        try options.features.validate(layers: parts.layers.count)
        if options.features.isEmpty, usesInt8Kernels(rows, options.dropout) {
            return BackboneOutput(rows: try mixed(input, rows), hiddenStates: [:], projections: [:])
        }
        return try usesKernels(options.precision, rows)
            ? packed(input, rows, options) : padded(input, rows, options)
    }

    func sparseTables(_ precision: Precision) -> [Tensor] {
        // Layers with a position bias are trained by libtorch's operations, whose gradients are dense.
        usesKernels(precision, .firstToken) && device.kind == .cpu && parts.positionBias == nil
            ? [parts.embeddings.wordTable] : []
    }

    /// Returns the compute type. Int8 layers output float32, and everything between them stays float32.
    func computeType(_ precision: Precision) -> DType {
        isQuantized ? .float32 : precision.resolved(on: device).dtype
    }

    /// Returns true if packed sequences are computed as such: by the kernels on the CPU, by libtorch's
    /// operations on a CUDA device. The kernels have no backward pass of a position bias.
    func usesKernels(_ precision: Precision, _ rows: RowSelection) -> Bool {
        !packedLayers.isEmpty && rows != .mean && (parts.positionBias == nil || !isGradEnabled)
            && (device.kind == .cuda
                || PackedKernels.arePreferred(for: computeType(precision), on: device))
    }

    /// Returns true if the kernels for int8 layers support this model.
    func usesInt8Kernels(_ rows: RowSelection, _ state: DropoutState?) -> Bool {
        !mixedLayers.isEmpty && state == nil && rows != .mean
    }

    /// Computes the rows of a quantized model.
    private func mixed(_ input: PackedInput, _ rows: RowSelection) throws -> Tensor {
        let sequences = try PackedSequences(offsets: input.offsets)
        var hidden = try parts.embeddings.widened(input)
        let bias = try positionBias(input)
        for (index, layer) in mixedLayers.enumerated() {
            let isLast = index == mixedLayers.count - 1
            hidden = try layer(
                hidden, sequences, firstOnly: isLast && rows == .firstToken, positionBias: bias)
        }
        return try rows == .firstToken ? hidden : selected(hidden, input, rows)
    }

    /// The rows that a head reads of all tokens' (T, H).
    private func selected(_ hidden: Tensor, _ input: PackedInput, _ rows: RowSelection) throws -> Tensor {
        if case .pooled(let modes) = rows { return try hidden.pooled(modes, offsets: input.offsets) }
        return try input.selected(of: hidden)
    }

    /// What distances add to the scores of a batch's examples; `nil` for nothing.
    private func positionBias(_ input: PackedInput) throws -> Tensor? {
        let lengths = zip(input.offsets.dropFirst(), input.offsets).map { $0 - $1 }
        return try parts.positionBias?.byDistance(reach: Int(lengths.max() ?? 1) - 1)
    }

    /// Runs the packed layers. A head that reads first tokens needs nothing else of the last layer.
    private func packed(_ input: PackedInput, _ rows: RowSelection, _ options: ForwardOptions) throws
        -> BackboneOutput
    {
        let (features, dropout, dtype) = (
            options.features, options.dropout, computeType(options.precision)
        )
        var kept = FeatureCollector(features)
        let recomputes = options.recomputes && isGradEnabled
        if features.isEmpty, !recomputes, rows == .firstToken, let packedEncoder,
            let first = try packedEncoder(
                input.inputIDs, types: parts.embeddings.types(of: input), offsets: input.offsets,
                dtype: dtype, dropout)
        {
            return kept.output(first)
        }
        let sequences = try PackedSequences(offsets: input.offsets, device: device)
        var hidden = try parts.embeddings.packed(input, sequences, dtype: dtype, dropout)
        kept.add(hidden.wide, number: 0)
        let bias = try positionBias(input)
        let last = packedLayers.count - 1
        let firstOnly = rows == .firstToken && !features.hiddenStates.contains(last + 1)
        for (index, layer) in packedLayers.enumerated() {
            try kept.add(parts.layers[index], index, input: hidden.wide, dtype)
            hidden = try layer(
                hidden, sequences, dtype: dtype, firstOnly: index == last && firstOnly, dropout,
                positionBias: bias, recomputes: recomputes)
            kept.add(hidden.wide, number: index + 1)
        }
        if firstOnly { return kept.output(hidden.wide) }
        guard rows == .firstToken else { return kept.output(try selected(hidden.wide, input, rows)) }
        let first = try Tensor(Array(input.offsets.dropLast()), device: device)
        return kept.output(try hidden.wide.indexSelect(dimension: 0, first))
    }
}
