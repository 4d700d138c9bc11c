/// The difference between a tensor in a GGUF file and in a Hugging Face checkpoint, besides the name.
public enum GGUFConversion: Sendable, Equatable {
    /// None.
    case none
    /// The rows of each head are in another order: llama.cpp turns pairs of neighbors by the same angle, transformers an
    /// element of a head's first half with one of its second.
    ///
    /// Source: llama.cpp, `convert_hf_to_gguf.py`, `LlamaModel.permute`.
    case rotary(Rotary)
    /// Rows and columns are exchanged: GPT-2's `Conv1D` holds (inputs, outputs), GGUF (outputs, inputs).
    case transposed
    /// GGUF holds weight + 1, what Gemma's norms multiply by.
    case normPlusOne

    /// The heads whose number a tensor's rows follow.
    public enum Rotary: Sendable, Equatable {
        /// `num_attention_heads`.
        case queries
        /// `num_key_value_heads`.
        case keys
    }
}

extension GGUFConversion {
    /// The row in a GGUF file that holds a row of a Hugging Face checkpoint, of rotary projections.
    ///
    /// - Parameters:
    ///   - row: the row in the checkpoint.
    ///   - headSize: the number of rows of a head, an even number.
    public static func rowInFile(of row: Int, headSize: Int) -> Int {
        let (head, place) = (row / headSize, row % headSize)
        let half = headSize / 2
        return head * headSize + (place < half ? 2 * place : 2 * (place - half) + 1)
    }
}

extension GGUFConversion {
    /// The row of a Hugging Face checkpoint that is a row in a GGUF file, of rotary projections; see
    /// ``rowInFile(of:headSize:)``.
    package static func rowInCheckpoint(of row: Int, headSize: Int) -> Int {
        let (head, place) = (row / headSize, row % headSize)
        return head * headSize + (place % 2) * (headSize / 2) + place / 2
    }
}
