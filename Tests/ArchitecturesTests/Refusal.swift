import JSON
import Testing

/// A change to a good configuration that must be refused, the field at fault, and a part of the message.
struct Refusal: Sendable, CustomTestStringConvertible {
    let key: String
    let changes: [(String, JSONValue)]
    let part: String

    init(_ key: String, _ value: JSONValue, _ part: String, also: [(String, JSONValue)] = []) {
        self.key = key
        changes = [(key, value)] + also
        self.part = part
    }

    var testDescription: String { changes.map { "\($0): \($1.serialized())" }.joined(separator: ", ") }

    static let all: [Refusal] = mathematics + otherFamilies + sizes + numbers + labels

    private static let mathematics = [
        Refusal("position_embedding_type", "relative_key", "absolute"),
        Refusal("position_embedding_type", 3, "absolute"),
        Refusal("is_decoder", true, "encoder"), Refusal("is_decoder", 1, "encoder"),
        Refusal("is_encoder_decoder", true, "encoder"), Refusal("add_cross_attention", true, "encoder"),
        Refusal("cross_attention_hidden_size", 16, "encoder"),
        Refusal("pruned_heads", ["0": [1]], "pruned"),
        Refusal("quantization_config", ["load_in_8bit": true], "floating point"),
        Refusal("problem_type", "regression", "has one output, the model has 2 labels"),
        Refusal("problem_type", "multi_label", "must be one of single_label_classification, multi_label"),
        Refusal("problem_type", 1, "must be one of"),
        Refusal("problem_type", ["regression"], "must be one of"),
        Refusal(
            "problem_type", "single_label_classification", "needs two labels or more, the model has 1",
            also: [("id2label", ["0": "x"]), ("label2id", .null)]),
        Refusal("embedding_size", 8, "hidden_size"),
        Refusal("hidden_act", "quick_gelu", "gelu, gelu_new, gelu_pytorch_tanh, relu"),
        Refusal("hidden_act", .null, "gelu_new"), Refusal("hidden_act", ["gelu"], "gelu_new"),
    ]

    private static let otherFamilies =
        [
            "rope_theta", "rope_scaling", "rope_parameters", "rotary_dim", "rotary_emb_base",
            "num_key_value_heads", "head_dim", "sliding_window", "num_experts", "num_hidden_groups",
            "adapters",
        ].map { Refusal($0, 3, "BERT has no such part") }
        + ["relative_attention", "use_rotary_embeddings"].map { Refusal($0, true, "BERT has no such part") }

    private static let sizes =
        [
            "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
            "max_position_embeddings", "type_vocab_size",
        ].flatMap { key in
            ([0, -4, 2.5, "16", .null, 3e30, 4_294_967_296] as [JSONValue]).map {
                Refusal(key, $0, "must be an integer from 1")
            }
        } + [
            Refusal("num_hidden_layers", 100_000, "10000"),
            Refusal("num_attention_heads", 3, "not divisible"),
            Refusal("pad_token_id", 60, "vocab_size"), Refusal("pad_token_id", -1, "from 0"),
        ]

    private static let numbers =
        ["hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout"].flatMap { key in
            ([1, -0.1, 1e300, "0.1", true] as [JSONValue]).map { Refusal(key, $0, "from 0 up to") }
        } + [
            Refusal("hidden_dropout_prob", .null, "a number"),
            Refusal("layer_norm_eps", -1e-12, "from 0 to 1"), Refusal("layer_norm_eps", "1e-12", "a number"),
            Refusal("initializer_range", 0, "above 0"), Refusal("initializer_range", .null, "above 0"),
        ]

    private static let noInverse: [(String, JSONValue)] = [("label2id", .null)]
    private static let labels = [
        Refusal("id2label", [], "an object", also: noInverse),
        Refusal("id2label", [:], "an object", also: noInverse),
        Refusal("id2label", ["0": "no", "2": "yes"], "has the key \"2\"", also: noInverse),
        Refusal("id2label", ["0": "no", "+1": "yes"], "has the key \"+1\"", also: noInverse),
        Refusal("id2label", ["0": "no", "one": "yes"], "has the key \"one\"", also: noInverse),
        Refusal("id2label", ["0": "no", "1": ["yes"]], "must hold names", also: noInverse),
        Refusal("id2label", ["0": "no", "00": "yes"], "has the key \"00\"", also: noInverse),
        Refusal("num_labels", "2", "must be an integer"), Refusal("num_labels", 2.5, "must be an integer"),
        Refusal("num_labels", 0, "from 1", also: [("id2label", .null), ("label2id", .null)]),
        Refusal("num_labels", 2_000_000, "1000000", also: [("id2label", .null), ("label2id", .null)]),
    ]
}
