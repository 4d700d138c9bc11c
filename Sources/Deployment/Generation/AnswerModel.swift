import ChatTemplates
import Decoding
import DistillRuntime
import Distillation
import Foundation
import GGUF
import Generation
import RegularExpressions
import Torch
import Transformers

/// The form in which the kernels multiply a model's weights that answers prompts.
public enum AnswerWeights: String, Sendable, CaseIterable {
    /// As the files have them: blocks of few bits of a GGUF file by activations in int8, as llama.cpp does.
    case stored
    /// Those in floating point rounded to blocks of eight bits (Q8_0).
    case int8
    /// The same with four bits (Q4_0).
    case int4

    var form: LanguageModel.Weights {
        switch self {
        case .stored: .stored
        case .int8: .int8
        case .int4: .int4
        }
    }
}

/// A language model that answers prompts: on libtorch, with weights in floating point, or on the runtime's kernels.
struct AnswerModel {
    /// What makes prompts' tokens.
    let encoder: PromptEncoder
    /// The options that the model's files ask for.
    let defaults: GenerationOptions
    /// The most tokens of a prompt and its answer.
    let positions: Int
    /// What the user should know; each a line.
    let notes: [String]
    /// Generates the answers to prompts of tokens, but for those that are known by the prompt's number.
    let generate:
        (
            _ tokens: [[Int32]], _ options: GenerationOptions, _ known: [Int: GeneratedText],
            _ firstPrompt: Int,
            _ onEvent: (GenerationEvent) throws -> Void
        ) throws -> [GeneratedText]

    /// Opens a request's model.
    ///
    /// - Throws: `GenerationError` for weights in a form on another device than the CPU, and what the readers of the files throw.
    init(_ request: AnswerRequest) throws {
        if let weights = request.weights {
            guard request.device.kind == .cpu else {
                throw GenerationError(
                    "--weights \(weights.rawValue) is multiplied on the CPU alone; leave out --weights or --device"
                )
            }
            try self.init(request, weights)
        } else {
            try self.init(inFloatingPoint: request)
        }
    }

    private init(_ request: AnswerRequest, _ weights: AnswerWeights) throws {
        let model = try LanguageModel(
            request.model.path(percentEncoded: false),
            .init(weights: weights.form, batchSize: request.batchSize), expressions: ICURegularExpressions())
        (encoder, defaults, notes) = (model.encoder, model.defaults, model.warnings)
        positions = model.configuration.maxLength
        generate = { tokens, options, known, firstPrompt, onEvent in
            try model.generate(
                tokens.map { .tokens($0) }, options, known: known, firstPrompt: firstPrompt, onEvent: onEvent)
        }
    }

    private init(inFloatingPoint request: AnswerRequest) throws {
        let loaded = try LoadedModel(request.model, device: request.device, languageModels: true)
        encoder = PromptEncoder(
            try ChatTemplates.load(directory: loaded.tokenizerDirectory), loaded.tokenizer,
            path: request.model.path)
        var generator = try TextGenerator(
            model: loaded.model, tokenizer: loaded.tokenizer,
            defaults: GenerationOptions(directory: loaded.tokenizerDirectory), precision: request.precision)
        generator.batchSize = request.batchSize
        (defaults, positions) = (generator.defaults, loaded.model.configuration.maxLength)
        notes = try Self.note(aboutBlocksOf: request).map { [$0] } ?? []
        generate = { [generator] tokens, options, known, firstPrompt, onEvent in
            var generator = generator
            generator.firstPrompt = firstPrompt
            return try generator.generate(tokens: tokens, options, known: known, onEvent: onEvent)
        }
    }

    /// The line that weights in blocks of few bits become floating point.
    private static func note(aboutBlocksOf request: AnswerRequest) throws -> String? {
        guard request.device.kind == .cpu, AutoModel.isGGUF(request.model),
            try GGUFCheckpoint(file: request.model).hasBlocks
        else { return nil }
        return
            "\(request.model.path): its weights in blocks of few bits become floating point; --weights stored multiplies them as they "
            + "are, faster and nearly as exact"
    }
}
