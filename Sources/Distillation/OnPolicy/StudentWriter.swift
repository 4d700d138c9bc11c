import Conversations
import Datasets
import Generation
import Tokenizers
import Torch
import Transformers

/// What a student in training needs to write texts of its own: which steps are taken on them, the prompts, and how tokens are drawn.
///
/// All of it is a function of the seed, the step and the weights, so that the texts are the same on any number of threads and after a
/// resume.
struct StudentWriter {
    let options: OnPolicyOptions
    let tokenizer: Tokenizer
    /// The tokens at which a text ends.
    let stopTokenIDs: [Int32]
    /// The most tokens of a text, the prompt's among them.
    let maxLength: Int

    /// The most texts that are written at a time.
    private static let batchSize = 32
    /// The part of a text without a prompt that is one.
    private static let prefixDivisor = 4

    /// Random numbers of a step's own.
    private static func generator(seed: UInt64, step: Int) -> SeededGenerator {
        // Other numbers than those that shuffle the data.
        var seeds = SeededGenerator(seed: seed ^ 0x6F6E_2D70_6F6C_6963)
        return SeededGenerator(
            seed: seeds.next() ^ UInt64(truncatingIfNeeded: step) &* 0xD1B5_4A32_D192_ED03)
    }

    /// True if a step is taken on the student's texts.
    func isDrawn(step: Int, seed: UInt64) -> Bool {
        var generator = Self.generator(seed: seed, step: step)
        return Double(generator.next() >> 11) * 0x1p-53 < options.fraction
    }

    /// The seed of the tokens that are drawn for the texts which are written at a step.
    static func textSeed(step: Int, seed: UInt64) -> UInt64 {
        var generator = generator(seed: seed, step: step)
        _ = generator.next()
        return generator.next()
    }

    /// The prompt of an example: what stands before the last answer; of a text that has none, its first quarter.
    func prompt(of index: Int, in data: EncodedDataset) throws -> [Int32] {
        let ids = try data.example(index).inputIDs
        let targets = (data.rowPositions(of: index) ?? []).map { Int($0) + 1 }
        guard let last = targets.last else {
            throw DistillationError("text \(index + 1) of the training data has no token that is trained")
        }
        var start = last
        for target in targets.reversed() where target == start - 1 { start = target }
        return Array(ids[..<(start > 1 ? start : max(1, ids.count / Self.prefixDivisor))])
    }

    /// Lets a model go on with prompts.
    ///
    /// - Parameters:
    ///   - seed: Of the tokens that are drawn.
    ///   - processes: Each writes a part of the texts, and has all of them in the end.
    func write(
        _ prompts: [[Int32]], model: TransformerModel, precision: Precision, seed: UInt64,
        processes: Processes? = nil
    ) throws -> [StudentText] {
        var generator = try TextGenerator(model: model, tokenizer: tokenizer, precision: precision)
        generator.batchSize = Self.batchSize
        var generation = GenerationOptions()
        (generation.maxNewTokens, generation.temperature) = (options.maxNewTokens, options.temperature)
        generation.seed = seed
        generation.stopTokenIDs = stopTokenIDs.filter { Int($0) < model.configuration.vocabSize }
        let (rank, size) = (processes?.rank ?? 0, processes?.size ?? 1)
        let own = prompts.count * rank / size..<prompts.count * (rank + 1) / size
        generator.firstPrompt = own.lowerBound
        let answers = try withNoGrad { try generator.generate(tokens: Array(prompts[own]), generation) }
            .map(\.tokenIDs)
        let all = try processes?.gather(answers).flatMap(\.self) ?? answers
        return zip(prompts, all).map { prompt, answer in
            StudentText(ids: Array((prompt + answer).prefix(maxLength)), promptLength: prompt.count)
        }
    }

    /// Texts as a data set, of which the tokens after the prompts are trained.
    func dataset(_ texts: [StudentText]) throws -> EncodedDataset {
        let builder = TokenBuilder(tokenizer: tokenizer, maxLength: maxLength)
        builder.begin(.causalLanguageModel, [])
        let tokenized = texts.map { text in
            TokenizedText(ids: text.ids, isTrained: text.ids.indices.map { $0 >= text.promptLength })
        }
        return builder.dataset(.memory(try builder.append(TokenizedChunk(texts: tokenized))))
    }
}

extension StudentWriter {
    /// The writer of a run; `nil` where its student writes nothing.
    init?(_ setup: DistillationSetup) throws {
        guard let options = setup.request.onPolicy, let text = try setup.languageModelText() else {
            return nil
        }
        self.init(
            options: options, tokenizer: setup.tokenizer, stopTokenIDs: text.tokens.stopIDs,
            maxLength: setup.data.maxLength)
    }
}
