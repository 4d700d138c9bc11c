import Files
import Foundation
import JSON
import RegularExpressions
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation

/// A tiny model of a family with random weights and a tokenizer of the family's kind, from the fixtures of the suites of
/// models and tokenizers.
struct FamilyModel: CustomTestStringConvertible, Sendable {
    /// The fixture of its configuration.
    let name: String
    /// The fixture of its tokenizer; `nil` for BERT's WordPiece.
    let tokenizer: String?
    /// The token that pads.
    let pad: String

    var testDescription: String { name }

    static let all = [
        FamilyModel(name: "distilbert", tokenizer: nil, pad: "[PAD]"),
        FamilyModel(name: "roberta", tokenizer: "roberta", pad: "<pad>"),
        FamilyModel(name: "xlm-roberta", tokenizer: "xlmr", pad: "<pad>"),
        FamilyModel(name: "camembert", tokenizer: "camembert", pad: "<pad>"),
        FamilyModel(name: "electra", tokenizer: nil, pad: "[PAD]"),
        FamilyModel(name: "albert", tokenizer: "albert", pad: "<pad>"),
        FamilyModel(name: "mpnet", tokenizer: nil, pad: "[PAD]"),
        FamilyModel(name: "deberta-v3", tokenizer: "deberta_v3", pad: "[PAD]"),
        FamilyModel(name: "modernbert", tokenizer: "modernbert", pad: "[PAD]"),
    ]

    private static let tests = Support.fixtures.appending(path: "../..").standardizedFileURL

    /// Writes the model's directory.
    ///
    /// - Parameters:
    ///   - directory: Where to.
    ///   - layers: How many.
    ///   - vocabulary: A tokenizer of another model, in place of its own.
    func write(to directory: URL, layers: Int, vocabulary: FamilyModel? = nil) throws {
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let pad = (vocabulary ?? self).pad
        try (vocabulary ?? self).writeTokenizer(to: directory)
        let tokenizer = try Tokenizer.load(directory: directory)
        let file = Self.tests.appending(path: "TransformersTests/Fixtures/families/\(name)/config.json")
        guard var fields = try JSONValue.load(contentsOf: file).objectValue else {
            throw DistillationError("\(file.path): is no object")
        }
        fields["vocab_size"] = .integer(tokenizer.vocabularySize)
        fields["pad_token_id"] = .integer(Int(tokenizer.tokenToID(pad) ?? 0))
        fields["max_position_embeddings"] = 66
        fields["id2label"] = ["0": "negative", "1": "positive"]
        fields["label2id"] = ["negative": 0, "positive": 1]
        for key in ["num_hidden_layers", "n_layers"] where fields[key] != nil {
            fields[key] = .integer(layers)
        }
        if let types = fields["layer_types"]?.arrayValue {
            fields["layer_types"] = .array(Array(types.prefix(layers)))
        }
        let configuration = try ModelConfiguration(json: fields, source: name)
        try ModelWriter.save(AutoModel.make(configuration, source: nil, seed: 3), to: directory)
    }

    private func writeTokenizer(to directory: URL) throws {
        guard let tokenizer else {
            for file in ["tokenizer.json", "tokenizer_config.json", "vocab.txt"] {
                try FileManager.default.copyItem(
                    at: Support.teacher.appending(path: file), to: directory.appending(path: file))
            }
            return
        }
        let fixtures = Self.tests.appending(path: "TokenizersTests/Fixtures/families")
        let map = try String(contentsOf: fixtures.appending(path: "charsmap.txt"), encoding: .utf8)
        let text = try String(contentsOf: fixtures.appending(path: "\(tokenizer).json"), encoding: .utf8)
        try Data(text.replacing("@charsmap", with: map).utf8)
            .write(to: directory.appending(path: "tokenizer.json"))
        let settings = #"{"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "\#(pad)"}"#
        try Data(settings.utf8).write(to: directory.appending(path: "tokenizer_config.json"))
    }
}
