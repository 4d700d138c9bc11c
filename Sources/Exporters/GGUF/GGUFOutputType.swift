import GGUF

/// The type of a GGUF file's weights, by the names of llama.cpp: one type, or a mixture that gives more bits to what is more
/// sensitive.
public enum GGUFOutputType: String, CaseIterable, Sendable, Codable {
    case f32
    case f16
    case bf16
    case q80 = "q8_0"
    case q40 = "q4_0"
    case q50 = "q5_0"
    case q4KS = "q4_k_s"
    case q4KM = "q4_k_m"
    case q5KS = "q5_k_s"
    case q5KM = "q5_k_m"
    case q6K = "q6_k"

    /// Makes a type of its name, in capitals or not; `q4_k` and `q5_k` are the mixtures "m", as for llama.cpp.
    public init?(name: String) {
        let name = name.lowercased()
        self.init(rawValue: name == "q4_k" || name == "q5_k" ? name + "_m" : name)
    }

    /// The type of most matrices.
    public var tensorType: GGUFTensorType {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        case .q80: .q80
        case .q40: .q40
        case .q50: .q50
        case .q4KS, .q4KM: .q4K
        case .q5KS, .q5KM: .q5K
        case .q6K: .q6K
        }
    }

    /// True if weights are searched for the least error, so that an importance matrix counts.
    public var isSearched: Bool { tensorType.isSearched }

    /// llama.cpp's number of the mixture, `general.file_type`.
    ///
    /// Source: llama.cpp, `include/llama.h`, `llama_ftype`.
    var fileType: UInt32 {
        switch self {
        case .f32: 0
        case .f16: 1
        case .q40: 2
        case .q80: 7
        case .q50: 8
        case .q4KS: 14
        case .q4KM: 15
        case .q5KS: 16
        case .q5KM: 17
        case .q6K: 18
        case .bf16: 32
        }
    }
}

/// The choice of each tensor's type.
///
/// Source: llama.cpp, `src/llama-quant.cpp`; vectors, norms and the table of positions stay float32 as its converter has it.
struct GGUFTypeChoice {
    let output: GGUFOutputType
    /// The number of layers.
    let layers: Int
    /// True if the token embedding table is the output layer too.
    let tiesOutput: Bool

    /// The type of a tensor, and the type that it has in place of one that its rows do not fit.
    ///
    /// - Parameters:
    ///   - name: its name in the file.
    ///   - shape: its shape in the file.
    func type(of name: String, shape: [Int]) -> (type: GGUFTensorType, replaced: GGUFTensorType?) {
        let stays = shape.count < 2 || name.hasSuffix("_norm.weight") || name == "position_embd.weight"
        guard !stays, let columns = shape.last else { return (.f32, nil) }
        let wanted = wanted(name, columns: columns)
        let fitting = Self.fitting(wanted, columns: columns)
        return (fitting, fitting == wanted ? nil : wanted)
    }

    private func wanted(_ name: String, columns: Int) -> GGUFTensorType {
        let usual = output.tensorType
        guard usual.blockSize > 1, usual != .q80 else { return usual }
        let (pattern, layer) = GGUFTensorName.pattern(of: name)
        switch pattern {
        case "output.weight": return output(columns)
        case "token_embd.weight": return tiesOutput ? output(columns) : usual
        case "blk.#.attn_v.weight", "blk.#.attn_qkv.weight":
            switch output {
            case .q4KM, .q5KM: return isSensitive(layer ?? 0) ? .q6K : usual
            case .q4KS: return (layer ?? 0) < 4 ? .q5K : usual
            default: return usual
            }
        case "blk.#.ffn_down.weight":
            switch output {
            case .q4KM, .q5KM: return isSensitive(layer ?? 0) ? .q6K : usual
            case .q4KS: return (layer ?? 0) < layers / 8 ? .q5K : usual
            default: return usual
            }
        default: return usual
        }
    }

    /// The output layer's type.
    private func output(_ columns: Int) -> GGUFTensorType {
        columns % output.tensorType.blockSize == 0 ? .q6K : .q80
    }

    /// The first and the last eighth of the layers, and each third of the others.
    private func isSensitive(_ layer: Int) -> Bool {
        layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2
    }

    /// The type itself, or where its blocks do not fill rows, the next one up with smaller blocks.
    private static func fitting(_ type: GGUFTensorType, columns: Int) -> GGUFTensorType {
        if columns % type.blockSize == 0 { return type }
        let smaller: GGUFTensorType =
            switch type {
            case .q4K: .q50
            case .q5K: .q51
            case .q6K: .q80
            default: .f16
            }
        return columns % smaller.blockSize == 0 ? smaller : .f16
    }
}
