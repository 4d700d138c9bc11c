import Files
import Foundation
import JSON
import Safetensors
import Tokenizers
import Torch

/// The files of a static table in the form of model2vec, which sentence-transformers opens too: weights, tokenizer, configuration,
/// modules.
struct StaticDirectory {
    /// (V, H) float32.
    let table: Tensor
    let vocabulary: StaticVocabulary
    let tableType: StaticStudentRequest.TableType
    /// The teacher's name.
    let teacher: String
    /// a of the tokens' weights; `nil` for none.
    let sif: Double?
    /// True if the components are principal ones.
    let isReduced: Bool

    /// - Parameter storesWhole: True to store the table in float32 whatever ``tableType`` says, for a table that is trained.
    /// - Throws: `FileError` where one cannot be written.
    func write(to directory: URL, storesWhole: Bool = false) throws {
        let type = storesWhole ? .float32 : tableType
        let stored = try table.to(type.dtype).contiguous()
        try SafetensorsWriter.write(
            [
                .init(
                    name: "embeddings", dtype: type == .float16 ? .float16 : .float32,
                    shape: stored.shape, bytes: try stored.bytes())
            ], to: directory.appending(path: "model.safetensors"))
        let files = try [
            ("tokenizer.json", vocabulary.file), ("config.json", Self.text(configuration)),
            ("modules.json", Self.text(Self.modules)),
        ]
        for (name, text) in files { try AtomicFile.write(text, to: directory.appending(path: name)) }
    }

    private static func text(_ value: JSONValue) -> String { value.serialized(pretty: true) + "\n" }

    /// As model2vec writes it, with the table's sizes. All of a text is read, as sentence-transformers does with a table.
    private var configuration: JSONValue {
        get throws {
            let width = try table.size(1)
            var json: JSONObject = [
                "model_type": "model2vec", "architectures": ["StaticModel"],
                "tokenizer_name": .string(teacher),
                "apply_pca": isReduced ? .integer(width) : .null,
                "sif_coefficient": sif.map(JSONValue.number) ?? .null,
                "hidden_dim": .integer(width), "vocab_size": .integer(try table.size(0)),
                "seq_length": 1_000_000, "normalize": true, "pooling": "mean", "max_length": .null,
                "embedding_dtype": .string(tableType.rawValue),
            ]
            if let row = vocabulary.unknownRow { json["unk_token_id"] = .integer(row) }
            return .object(json)
        }
    }

    private static let modules: JSONValue = [
        [
            "idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding",
        ],
        [
            "idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize",
        ],
    ]
}
