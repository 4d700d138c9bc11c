import Architectures

/// What a language model may have that llama.cpp computes otherwise, and no file can say.
struct GGUFRefusals {
    let configuration: ModelConfiguration
    let settings: DecoderSettings
    let path: String

    /// Every sixth layer of llama.cpp's Gemma 3 sees all tokens.
    static let gemmaPattern = 6
    /// The number of layers by which llama.cpp knows the largest Gemma 3, whose scale is another.
    private static let layersOfLargestGemma = 62

    /// - Throws: ``ExportError``, which names the field of `config.json`.
    func check() throws {
        let isGPT2 = settings.norm == .layer
        let activations: [ActivationName] =
            isGPT2 || configuration.modelType == "gemma3_text" ? [.geluNew, .geluTanh] : [.silu, .swish]
        guard activations.contains(configuration.hiddenAct) else {
            throw refusal(
                "the activation \(configuration.hiddenAct.rawValue)",
                "llama.cpp computes \(activations[0].rawValue)")
        }
        let scale = 1 / scaleBase.squareRoot()
        guard settings.attentionScales.allSatisfy({ abs($0 - scale) <= 1e-6 * scale }) else {
            throw refusal(
                "attention's scale (scale_attn_weights, scale_attn_by_inverse_layer_idx or query_pre_attn_scalar)",
                "llama.cpp takes 1/√\(Int(scaleBase))")
        }
        for rotary in settings.rotary {
            guard let scaling = rotary.scaling else { continue }
            if scaling.type == "llama3", !["llama", "mistral"].contains(configuration.modelType) {
                throw refusal("rope_type llama3", "llama.cpp reads its factors of Llama alone")
            }
            if scaling.type == "llama3", scaling.lowFactor != 1 || scaling.highFactor != 4 {
                throw refusal(
                    "rope_type llama3 with other low_freq_factor or high_freq_factor than 1 and 4",
                    "no reader knows them")
            }
            if scaling.type == "yarn", !scaling.truncates {
                throw refusal("yarn with truncate false", "llama.cpp rounds the bounds to whole dimensions")
            }
        }
        if configuration.modelType == "gemma3_text" { try checkGemmaLayers() }
    }

    private var scaleBase: Double {
        let isLargest =
            configuration.modelType == "gemma3_text"
            && configuration.numHiddenLayers == Self.layersOfLargestGemma
        return Double(
            isLargest ? configuration.hiddenSize / configuration.numAttentionHeads : settings.headSize)
    }

    private func checkGemmaLayers() throws {
        let windows = settings.windows
        guard Set(windows.compactMap(\.self)).count <= 1 else {
            throw refusal("windows of several lengths", "llama.cpp knows one")
        }
        // Without any window there is nothing to say.
        guard windows.contains(where: { $0 != nil }) else { return }
        for (layer, window) in windows.enumerated()
        where (window == nil) != ((layer + 1).isMultiple(of: Self.gemmaPattern)) {
            throw refusal(
                "layer_types, where layer \(layer) has \(window == nil ? "full" : "sliding") attention",
                "llama.cpp has full attention in every sixth layer and sliding attention in all others, so a student keeps that "
                    + "only with layers chosen to fit (--teacher-layers)")
        }
    }

    private func refusal(_ what: String, _ why: String) -> ExportError {
        ExportError(
            "\(path): \(what) cannot be written as GGUF: \(why); the directory itself is what transformers reads"
        )
    }
}
