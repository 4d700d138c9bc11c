import Architectures
import Files
import Foundation
import JSON
import TestSupport
import Testing

@Suite("config.json")
struct ConfigurationTests {
    private func read(_ changes: (inout JSONObject) -> Void) throws -> ModelConfiguration {
        var json = SmallModel.fields
        changes(&json)
        return try ModelConfiguration(json: json, source: "dir/config.json")
    }

    @Test("every field is read")
    func fields() throws {
        let configuration = try ModelConfiguration(contentsOf: fixture("bert-gelu-new"))
        #expect(configuration.vocabSize == 120)
        #expect(configuration.hiddenSize == 32)
        #expect(configuration.numHiddenLayers == 3)
        #expect(configuration.numAttentionHeads == 4)
        #expect(configuration.intermediateSize == 64)
        #expect(configuration.maxPositionEmbeddings == 40)
        #expect(configuration.typeVocabSize == 2)
        #expect(configuration.padTokenId == 0)
        #expect(configuration.hiddenAct == .geluNew)
        #expect(configuration.hiddenDropoutProb == 0.1)
        #expect(configuration.attentionProbsDropoutProb == 0.1)
        #expect(configuration.classifierDropout == nil)
        #expect(configuration.layerNormEps == 1e-12)
        #expect(configuration.initializerRange == 0.2)
        #expect(configuration.labelNames == ["negative", "neutral", "positive"])
    }

    @Test("a directory of adapters is said to be one")
    func adapters() throws {
        try withTemporaryDirectory { folder in
            expectRefusal("has no config.json") { _ = try ModelConfiguration(contentsOf: folder) }
            try folder.appending(path: "adapter_config.json").put("{}")
            expectRefusal("adapter_config.json", "distill finetune", "merge_and_unload") {
                _ = try ModelConfiguration(contentsOf: folder)
            }
        }
    }

    @Test("absent fields have transformers' defaults")
    func defaults() throws {
        let configuration = try ModelConfiguration(json: ["model_type": "bert"], source: "config.json")
        #expect(configuration.vocabSize == 30522)
        #expect(configuration.hiddenSize == 768)
        #expect(configuration.numHiddenLayers == 12)
        #expect(configuration.numAttentionHeads == 12)
        #expect(configuration.intermediateSize == 3072)
        #expect(configuration.maxPositionEmbeddings == 512)
        #expect(configuration.typeVocabSize == 2)
        #expect(configuration.padTokenId == 0)
        #expect(configuration.hiddenAct == .gelu)
        #expect(configuration.hiddenDropoutProb == 0.1 && configuration.attentionProbsDropoutProb == 0.1)
        #expect(configuration.layerNormEps == 1e-12)
        #expect(configuration.initializerRange == 0.02)
        #expect(configuration.labelNames == ["LABEL_0", "LABEL_1"])
    }

    @Test("labels come in the order of their ids, or are numbered")
    func labels() throws {
        let mapped = try read {
            $0["id2label"] = ["2": "c", "0": "a", "1": "b"]
            $0["label2id"] = ["b": 1, "c": 2, "a": 0]
        }
        #expect(mapped.labelNames == ["a", "b", "c"])
        let counted = try read {
            ($0["id2label"], $0["label2id"], $0["num_labels"]) = (nil, nil, 3)
        }
        #expect(counted.labelNames == ["LABEL_0", "LABEL_1", "LABEL_2"])
        // Two spellings of one letter are two names.
        let spelt = try read {
            ($0["id2label"], $0["label2id"]) = (["0": "\u{E9}", "1": "e\u{301}"], nil)
        }
        #expect(spelt.labelNames.map { Array($0.utf8).count } == [2, 3])
    }

    @Test(
        "names that are numbers, a map that label2id or num_labels contradicts: read as transformers reads them"
    )
    func contradictingLabels() throws {
        let numbers = try read { ($0["id2label"], $0["label2id"]) = (["0": 0, "1": 1.5, "2": true], .null) }
        #expect(numbers.labelNames == ["0", "1.5", "True"] && numbers.warnings.isEmpty)
        let stale = try read {
            ($0["id2label"], $0["label2id"]) = (["0": "no", "01": "yes"], ["LABEL_0": 0, "LABEL_1": 1])
        }
        #expect(stale.labelNames == ["no", "yes"])
        #expect(stale.warnings.count == 1 && stale.warnings[0].hasPrefix("dir/config.json: \"id2label\""))
        for inverse: JSONValue in [
            ["no": 1, "yes": 0], ["no": 0], ["no": 0, "yes": 1, "maybe": 2], ["no": "0", "yes": "1"], [0, 1],
            3,
        ] {
            let read = try read { ($0["id2label"], $0["label2id"]) = (["0": "no", "1": "yes"], inverse) }
            #expect(read.labelNames == ["no", "yes"] && read.warnings.count == 1, "\(inverse)")
        }
        // Old versions wrote the number beside the map that every model has.
        let counted = try read {
            ($0["id2label"], $0["num_labels"]) = (["0": "LABEL_0", "1": "LABEL_1"], 3)
            $0["label2id"] = ["LABEL_0": 0, "LABEL_1": 1]
        }
        #expect(counted.labelNames == ["LABEL_0", "LABEL_1", "LABEL_2"])
        let named = try read {
            ($0["id2label"], $0["label2id"], $0["num_labels"]) = (["0": "no", "1": "yes"], .null, 3.0)
        }
        #expect(named.labelNames == ["LABEL_0", "LABEL_1", "LABEL_2"])
        #expect(named.warnings.count == 1 && named.warnings[0].contains("the number counts"))
        let unnamed = try read { ($0["id2label"], $0["label2id"]) = (["0": "no", "1": .null], .null) }
        #expect(unnamed.labelNames == ["no", "LABEL_1"] && unnamed.warnings.count == 1)
    }

    @Test("a byte order mark, NaN and a key that occurs twice are read as Python reads them")
    func pythonsJSON() throws {
        try withTemporaryDirectory { directory in
            let text = JSONValue.object(SmallModel.fields).serialized()
            try directory.appending(path: "config.json").put(
                "\u{FEFF}" + text.dropLast()
                    + ", \"some_loss\": NaN, \"hidden_act\": \"relu\", \"hidden_act\": \"silu\"}")
            #expect(try ModelConfiguration(contentsOf: directory).hiddenAct == .silu)
        }
    }

    @Test("changed fields are written, all others are kept")
    func writing() throws {
        var configuration = try read {
            $0["transformers_version"] = "4.1.0"
            $0["finetuning_task"] = ["any": [1, 2.5, nil]]
            $0["torch_dtype"] = "float16"
            $0["_name_or_path"] = "/somewhere"
            $0["num_labels"] = 2
            $0["architectures"] = ["BertModel"]
            $0["pruned_heads"] = [:]
        }
        configuration.hiddenSize = 8
        configuration.classifierDropout = 0.25
        configuration.labelNames = ["x", "y", "z"]
        let json = configuration.json()
        #expect(json["transformers_version"] == "4.1.0")
        #expect(json["finetuning_task"] == ["any": [1, 2.5, nil]])
        #expect(json["pruned_heads"] == [:])
        #expect(json["dtype"] == "float32")
        #expect(json["architectures"] == ["BertForSequenceClassification"])
        #expect(json["problem_type"] == "single_label_classification")
        #expect(json["hidden_size"] == 8)
        #expect(json["classifier_dropout"] == 0.25)
        #expect(json["id2label"] == ["0": "x", "1": "y", "2": "z"])
        #expect(json["label2id"] == ["x": 0, "y": 1, "z": 2])
        for gone in ["torch_dtype", "_name_or_path", "num_labels"] { #expect(json[gone] == nil, "\(gone)") }
        #expect(try ModelConfiguration(json: json, source: "elsewhere") == configuration)
        #expect(try configuration != read { _ in })
    }

    @Test("the problem type is read, written and kept; where it is absent, one label means regression")
    func problemType() throws {
        func one(_ type: JSONValue?) throws -> ModelConfiguration {
            try read {
                ($0["id2label"], $0["label2id"], $0["problem_type"]) = (["0": "x"], nil, type)
            }
        }
        for type in [nil, JSONValue.null] as [JSONValue?] {
            #expect(try read { $0["problem_type"] = type }.task == .singleLabel)
            #expect(try one(type).task == .regression)
        }
        #expect(try one("multi_label_classification").task == .multiLabel)
        for (type, written) in [
            (try read { $0["problem_type"] = "multi_label_classification" }, "multi_label_classification"),
            (try one(nil), "regression"), (try read { _ in }, "single_label_classification"),
        ] {
            #expect(type.json()["problem_type"] == .string(written))
            let again = try ModelConfiguration(json: type.json(), source: "saved")
            #expect(again.task.rawValue == written && again == type)
        }
        var changed = try one(nil)
        changed.labelNames = ["a", "b"]
        #expect(changed.task == .singleLabel)
        changed.task = .multiLabel
        #expect(changed.json()["problem_type"] == "multi_label_classification")
        changed.task = .regression
        #expect(throws: ArchitectureError.self) { try changed.validate() }
    }

    @Test("harmless values of fields that could change the mathematics are fine")
    func harmless() throws {
        let configuration = try read {
            $0["position_embedding_type"] = "absolute"
            $0["problem_type"] = "single_label_classification"
            ($0["is_decoder"], $0["is_encoder_decoder"], $0["add_cross_attention"]) = (false, false, false)
            ($0["cross_attention_hidden_size"], $0["quantization_config"]) = (nil, nil)
            $0["cross_attention_hidden_size"] = .null
            $0["pruned_heads"] = [:]
            $0["embedding_size"] = 16
            $0["relative_attention"] = false
            $0["rope_theta"] = .null
            $0["classifier_dropout"] = .null
            $0["layer_norm_eps"] = 0
            ($0["use_cache"], $0["chunk_size_feed_forward"], $0["tie_word_embeddings"]) = (true, 0, true)
        }
        #expect(configuration.hiddenSize == 16)
    }

    @Test("a field that cannot be honoured is refused by name", arguments: Refusal.all)
    func refusals(_ refusal: Refusal) throws {
        expectRefusal("dir/config.json", "\"\(refusal.key)\"", refusal.part) {
            _ = try read {
                for (key, value) in refusal.changes { $0[key] = value }
            }
        }
    }

    @Test("an unknown architecture is refused with the known ones")
    func architectures() throws {
        for (type, architecture): (JSONValue?, JSONValue?) in [
            ("t5", ["BertForSequenceClassification"]), (3, nil), (nil, ["T5Model"]),
            (nil, ["BertGenerationEncoder"]), (.null, ["BertweetModel"]), ("Bert", nil),
        ] {
            expectRefusal("dir/config.json", "not supported", "bert") {
                _ = try read { ($0["model_type"], $0["architectures"]) = (type, architecture) }
            }
        }
        expectRefusal("\"model_type\" is missing", "bert") {
            _ = try read { ($0["model_type"], $0["architectures"]) = (nil, nil) }
        }
        for type: JSONValue in ["qwen3_next", "lfm2", "nemotron_h"] {
            expectRefusal("recurrent or convolutional layers", "not supported", "llama") {
                _ = try read { ($0["model_type"], $0["architectures"]) = (type, nil) }
            }
        }
        // The head of a classifier on a decoder, and of a language model on an encoder.
        expectRefusal("Llama is read as a language model alone", "LlamaForSequenceClassification") {
            _ = try read {
                ($0["model_type"], $0["architectures"]) = ("llama", ["LlamaForSequenceClassification"])
            }
        }
        expectRefusal("BERT is an encoder", "BertLMHeadModel") {
            _ = try read { ($0["model_type"], $0["architectures"]) = ("bert", ["BertLMHeadModel"]) }
        }
        // Old configurations have only the class.
        for name: JSONValue in ["BertModel", "BertForMaskedLM"] {
            #expect(try read { ($0["model_type"], $0["architectures"]) = (nil, [name]) }.modelType == "bert")
        }
    }

    @Test("changed sizes that do not fit are found by validate()")
    func validation() throws {
        let changes: [(String, (inout ModelConfiguration) -> Void)] = [
            ("hidden_size", { $0.hiddenSize = 15 }), ("hidden_size", { $0.hiddenSize = 0 }),
            ("num_attention_heads", { $0.numAttentionHeads = 0 }),
            ("num_hidden_layers", { $0.numHiddenLayers = 0 }),
            ("intermediate_size", { $0.intermediateSize = -1 }), ("vocab_size", { $0.vocabSize = 0 }),
            ("max_position_embeddings", { $0.maxPositionEmbeddings = 0 }),
            ("type_vocab_size", { $0.typeVocabSize = 0 }), ("pad_token_id", { $0.padTokenId = 60 }),
            ("hidden_dropout_prob", { $0.hiddenDropoutProb = 1 }),
            ("classifier_dropout", { $0.classifierDropout = .nan }),
            ("label", { ($0.labelNames, $0.task) = (["one"], .singleLabel) }),
            ("same", { $0.labelNames = ["same", "same"] }),
        ]
        for (part, change) in changes {
            let configuration = try ModelConfiguration.small(change)
            expectRefusal("config.json", part) { try configuration.validate() }
        }
    }

    @Test("directories without a usable config.json are refused")
    func directories() throws {
        try withTemporaryDirectory { directory in
            expectRefusal(directory.lastPathComponent, "has no config.json") {
                _ = try ModelConfiguration(contentsOf: directory)
            }
            let missing = directory.appending(path: "missing")
            expectRefusal("missing", "no such directory") { _ = try ModelConfiguration(contentsOf: missing) }
            let file = directory.appending(path: "config.json")
            try file.put("[1]")
            expectRefusal("config.json", "a JSON object", "an array") {
                _ = try ModelConfiguration(contentsOf: directory)
            }
            expectRefusal("config.json", "is a file") { _ = try ModelConfiguration(contentsOf: file) }
            let gguf = directory.appending(path: "x.gguf")
            try gguf.put("GGUF")
            expectRefusal("x.gguf", "is a GGUF file", "give a model directory") {
                _ = try ModelConfiguration(contentsOf: gguf)
            }
            try file.put("{\"model_type\": ")
            #expect(throws: JSONError.self) { try ModelConfiguration(contentsOf: directory) }
        }
    }
}
