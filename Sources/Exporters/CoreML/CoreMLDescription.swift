import Architectures
import Files
import Foundation

/// What a Core ML model says of itself: inputs, outputs, metadata.
enum CoreMLDescription {
    /// The number of tokens in the shape that inputs have by default, where the model takes as many.
    private static let usualLength = 128

    /// - Parameters:
    ///   - builder: The program, for the names of inputs and outputs.
    ///   - model: The model.
    ///   - dtype: The type that it is exported in.
    ///   - options: The options of the export.
    /// - Throws: `FileError` where the weights cannot be read; `JSONError` where a tokenizer file is damaged.
    static func make(
        _ builder: MILBuilder, _ model: ExportableModel, _ dtype: ExportDType, _ options: ExportOptions
    ) throws -> CoreML_ModelDescription {
        let configuration = model.configuration
        var description = CoreML_ModelDescription()
        description.input = builder.inputs.map { input in
            CoreML_FeatureDescription.with {
                $0.name = input.name
                $0.shortDescription = meaning[input.name] ?? ""
                $0.type.multiArrayType = tokens(longest: configuration.maxLength)
            }
        }
        description.output = builder.outputs.map { name in
            CoreML_FeatureDescription.with {
                $0.name = name
                $0.shortDescription = meaning[name] ?? ""
                $0.type = outputType(name, configuration)
            }
        }
        if builder.outputs.contains(ClassOutputs.label) {
            description.predictedFeatureName = ClassOutputs.label
            description.predictedProbabilitiesName = ClassOutputs.probabilities
        }
        description.metadata.shortDescription = summary(of: configuration)
        description.metadata.versionString = options.producerVersion
        description.metadata.author = "distill"
        description.metadata.license = license(of: model)
        for (key, value) in try ONNXMetadata.entries(model, dtype, maxLength: options.maxLength) {
            description.metadata.userDefined[key] = value
        }
        return description
    }

    private static func summary(of configuration: ModelConfiguration) -> String {
        let family = configuration.family.title
        if configuration.embedding != nil {
            return "Sentence embeddings of \(configuration.outputCount) components with \(family)"
        }
        let kind =
            configuration.headKind.hasRowForEachToken ? "Token classification" : "Sequence classification"
        return "\(kind) with \(family): \(configuration.labelNames.joined(separator: ", "))"
    }

    private static let meaning = [
        "input_ids": "The tokens' ids, in the form of the model's tokenizer.",
        "attention_mask": "1 for tokens, 0 for padding.",
        "token_type_ids": "0 for tokens of the first text, 1 for those of a second one.",
        "logits": "The scores of the classes, before softmax or sigmoid.",
        "sentence_embedding": "The text's vector, with the model's pooling, dense layers and normalization.",
        ClassOutputs.label: "The class with the highest probability.",
        ClassOutputs.probabilities: "The probability of each class.",
    ]

    private static func tokens(longest: Int) -> CoreML_ArrayFeatureType {
        CoreML_ArrayFeatureType.with { type in
            type.dataType = .int32
            type.shape = [1, Int64(min(usualLength, longest))]
            type.shapeRange.sizeRanges = [1, longest].map { upper in
                CoreML_SizeRange.with {
                    $0.lowerBound = 1
                    $0.upperBound = Int64(upper)
                }
            }
        }
    }

    private static func outputType(
        _ name: String, _ configuration: ModelConfiguration
    ) -> CoreML_FeatureType {
        CoreML_FeatureType.with { type in
            switch name {
            case ClassOutputs.label: type.stringType = CoreML_StringFeatureType()
            case ClassOutputs.probabilities:
                type.dictionaryType.stringKeyType = CoreML_StringFeatureType()
            default:
                type.multiArrayType.dataType = .float32
                // The number of tokens is not known.
                if !configuration.headKind.hasRowForEachToken {
                    type.multiArrayType.shape = [1, Int64(configuration.outputCount)]
                }
            }
        }
    }

    /// The license that the model card's first lines name; empty where there is none.
    private static func license(of model: ExportableModel) -> String {
        let url = model.directory.appending(path: "README.md")
        guard let text = try? String(contentsOf: url, encoding: .utf8) else { return "" }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first == "---" else { return "" }
        let header = lines.dropFirst().prefix { $0 != "---" }
        let line = header.first { $0.hasPrefix("license:") }
        return line.map { $0.dropFirst("license:".count).trimmingCharacters(in: .whitespaces) } ?? ""
    }
}
