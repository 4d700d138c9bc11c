import Architectures
import Files
import Foundation
import GGUF

/// The keys of a language model's file besides its tokenizer's, as llama.cpp's converter writes them.
///
/// Source: llama.cpp, `convert_hf_to_gguf.py`; `gguf-py/gguf/constants.py`.
struct GGUFModelMetadata {
    let model: GGUFExportModel
    let output: GGUFOutputType
    let name: String?

    private var configuration: ModelConfiguration { model.configuration }
    private var settings: DecoderSettings { model.settings }

    /// ggml's version of its quantized types.
    private static let quantizationVersion: UInt32 = 2

    /// The keys in the order in which they are written.
    var entries: [(key: String, value: GGUFValue)] {
        let general: [(key: String, value: GGUFValue)] = [
            ("general.architecture", .string(model.family.architecture)), ("general.type", .string("model")),
            ("general.name", .string(name ?? model.directory.standardizedFileURL.lastPathComponent)),
            ("general.file_type", .uint32(output.fileType)),
            ("general.quantization_version", .uint32(Self.quantizationVersion)),
        ]
        return general
            + own.map { ("\(model.family.architecture).\($0.key)", $0.value) }
    }

    /// What the file cannot say, in sentences.
    var notes: [String] {
        guard context < configuration.maxPositionEmbeddings else { return [] }
        return [
            "llama.cpp has no sliding window in its architecture \(model.family.architecture): context_length is the window's "
                + "\(context) tokens in place of \(configuration.maxPositionEmbeddings), within which both compute the same."
        ]
    }

    /// The length of texts within which llama.cpp computes the same.
    private var context: Int {
        let positions = configuration.maxPositionEmbeddings
        guard model.family.architecture != "gemma3" else { return positions }
        return min(positions, settings.windows.compactMap(\.self).min() ?? positions)
    }

    private var own: [(key: String, value: GGUFValue)] {
        func size(_ number: Int) -> GGUFValue { .uint32(UInt32(clamping: number)) }
        let isGPT2 = settings.norm == .layer
        var entries: [(key: String, value: GGUFValue)] = [
            ("vocab_size", size(configuration.vocabSize)), ("context_length", size(context)),
            ("embedding_length", size(configuration.hiddenSize)),
            ("block_count", size(configuration.numHiddenLayers)),
            ("feed_forward_length", size(configuration.intermediateSize)),
            ("attention.head_count", size(configuration.numAttentionHeads)),
            (
                isGPT2 ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon",
                .float32(Float(configuration.layerNormEps))
            ),
        ]
        if isGPT2 { return entries }
        entries += [
            ("attention.head_count_kv", size(settings.keyValueHeads)),
            ("attention.key_length", size(settings.headSize)),
            ("attention.value_length", size(settings.headSize)),
            ("rope.dimension_count", size(settings.headSize)),
        ]
        return entries + rotary
    }

    private var rotary: [(key: String, value: GGUFValue)] {
        // Of Gemma the layers that see all tokens; the others have a base of their own.
        let isGemma = model.family.architecture == "gemma3"
        let global = zip(settings.windows, settings.rotary).first { !isGemma || $0.0 == nil }?.1
        let local = isGemma ? zip(settings.windows, settings.rotary).first { $0.0 != nil } : nil
        var entries: [(key: String, value: GGUFValue)] = []
        if let global { entries.append(("rope.freq_base", .float32(Float(global.base)))) }
        if let (window, rotary) = local {
            entries.append(("attention.sliding_window", .uint32(UInt32(clamping: window ?? 0))))
            entries.append(("rope.freq_base_swa", .float32(Float(rotary.base))))
        }
        guard let global, let scaling = global.scaling else { return entries }
        switch scaling.type {
        case "linear":
            entries.append(("rope.scaling.type", .string("linear")))
            entries.append(("rope.scaling.factor", .float32(Float(scaling.factor))))
        case "yarn":
            entries += yarn(scaling, attention: Double(global.attentionFactor))
        // Llama 3's is a tensor of factors.
        default: break
        }
        return entries
    }

    private func yarn(
        _ scaling: RotarySettings.Scaling, attention: Double
    ) -> [(key: String, value: GGUFValue)] {
        var entries: [(key: String, value: GGUFValue)] = [
            ("rope.scaling.type", .string("yarn")),
            ("rope.scaling.factor", .float32(Float(scaling.factor))),
            (
                "rope.scaling.original_context_length",
                .uint32(UInt32(clamping: scaling.originalPositions))
            ),
        ]
        if scaling.betaFast != 32 || scaling.betaSlow != 1 {
            entries.append(("rope.scaling.yarn_beta_fast", .float32(Float(scaling.betaFast))))
            entries.append(("rope.scaling.yarn_beta_slow", .float32(Float(scaling.betaSlow))))
        }
        // llama.cpp multiplies the usual factor by it.
        let usual = scaling.factor <= 1 ? 1 : 0.1 * log(scaling.factor) + 1
        if abs(attention - usual) > 1e-6 * usual {
            entries.append(("rope.scaling.attn_factor", .float32(Float(attention / usual))))
        }
        return entries
    }

    /// The factors by which Llama 3's scaling makes wavelengths longer, a tensor of the file; `nil` for another scaling.
    var ropeFactors: [Float]? {
        guard let rotary = settings.rotary.first, rotary.scaling?.type == "llama3" else { return nil }
        let size = settings.headSize
        return rotary.frequencies.enumerated().map { index, frequency in
            let plain = pow(rotary.base, -2 * Double(index) / Double(size))
            return Float(plain / Double(frequency))
        }
    }
}
