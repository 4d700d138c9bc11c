import Architectures
import CKernels

/// A decoder's last norm, and its output layer, whose weight may be the token embedding table.
///
/// Shapes: T tokens, R rows whose logits are wanted, H hidden size, V tokens of the vocabulary.
final class LanguageHead: @unchecked Sendable {
    private let kernel: ck_language_head
    private let norm: Norm
    private let output: DecoderLinear
    private let width: Int

    init(
        _ store: WeightStore, _ configuration: ModelConfiguration, _ settings: DecoderSettings,
        _ precision: DecoderPrecision
    ) throws {
        let names = configuration.family.layout.embeddings
        width = configuration.hiddenSize
        norm = try Norm(store, names.norm, width: width, hasBias: settings.norm == .layer)
        output = try DecoderLinear(
            store, settings.tiesOutput ? names.word : DecoderNames.output,
            .whole(width, configuration.vocabSize), hasBias: false, precision)
        var kernel = ck_language_head()
        kernel.epsilon = Float(configuration.layerNormEps)
        kernel.offset = settings.norm == .rootMeanSquarePlusOne ? 1 : 0
        (kernel.bfloat16, kernel.has_layer_norm) = (precision.usesBFloat16, settings.norm == .layer)
        (kernel.norm, kernel.output) = (norm.kernel, output.kernel)
        self.kernel = kernel
    }

    /// (T, H) → (R, V)
    ///
    /// - Throws: ``RuntimeError`` where there is no memory.
    func callAsFunction(_ hidden: AlignedBuffer<Float>, rows: [Int]) throws -> [Float] {
        let chosen = try AlignedBuffer<Float>(count: rows.count * width)
        for (place, row) in rows.enumerated() {
            (chosen.pointer + place * width).update(from: hidden.pointer + row * width, count: width)
        }
        let count = rows.count * Int(kernel.output.outputs)
        return try withExtendedLifetime((self, hidden, chosen)) {
            try [Float](unsafeUninitializedCapacity: count) { logits, made in
                let isDone = withUnsafePointer(to: kernel) {
                    ck_language_head_forward($0, Int64(rows.count), chosen.pointer, logits.baseAddress)
                }
                try require(isDone)
                made = count
            }
        }
    }
}
