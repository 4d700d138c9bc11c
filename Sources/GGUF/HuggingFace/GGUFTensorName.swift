/// A tensor of a family: its name in both worlds. `#` stands for the number of a layer.
public struct GGUFTensorName: Sendable, Equatable {
    /// The name in a GGUF file: `blk.#.attn_q.weight`.
    public let file: String
    /// The name in a Hugging Face checkpoint: `model.layers.#.self_attn.q_proj.weight`.
    public let checkpoint: String
    /// The difference between their values.
    public let conversion: GGUFConversion
    /// True if some models of the family lack it.
    public let isOptional: Bool

    init(_ file: String, _ checkpoint: String, _ conversion: GGUFConversion = .none, optional: Bool = false) {
        self.file = file
        self.checkpoint = checkpoint
        self.conversion = conversion
        isOptional = optional
    }

    /// True if each layer has one.
    package var isPerLayer: Bool { file.contains("#") }

    /// The name with a layer's number in the place of `#`.
    package static func name(_ pattern: String, layer: Int) -> String {
        pattern.split(separator: "#", omittingEmptySubsequences: false).joined(separator: String(layer))
    }

    /// Takes a name apart at the first of its parts that is a number: `blk.3.attn_q.weight` is `blk.#.attn_q.weight` and 3.
    package static func pattern(of name: String) -> (pattern: String, layer: Int?) {
        // No name in a file has the sign that stands for a number here.
        if name.utf8.contains(UInt8(ascii: "#")) { return ("", nil) }
        var parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        for (place, part) in parts.enumerated() {
            // As the number is written, so that no other name becomes this one.
            guard let number = Int(part), number >= 0, String(number) == part else { continue }
            parts[place] = "#"
            return (parts.joined(separator: "."), number)
        }
        return (name, nil)
    }
}
