import Generation
import Reports
import Tokenizers
import Torch
import Transformers

/// Some evaluation prompts with the answers that models give to them, side by side, for a run's page.
struct AnswerSamples {
    /// The most prompts.
    static let most = 4
    /// The most tokens of an answer.
    static let answerTokens = 64
    /// The most characters of a prompt that are kept, of its end.
    static let promptCharacters = 600
    /// The tokens that a document, of which all is predicted, begins with.
    private static let documentTokens = 24

    let data: EncodedDataset
    let text: LanguageModelText
    /// The teacher's tokens and tokenizer, where it numbers tokens otherwise; `nil` where it reads the student's.
    var teacherTokens: (vocabulary: TeacherVocabulary, tokenizer: Tokenizer)?

    /// A prompt's tokens, and those that follow it in the data.
    private struct Prompt {
        let ids: [Int32]
        let rest: [Int32]
    }

    /// The samples of a run.
    ///
    /// - Parameters:
    ///   - student: The run's model.
    ///   - teacher: Its teacher; `nil` without one.
    ///   - baseline: The same student trained without the teacher; `nil` where there is none.
    ///   - limit: The most samples besides ``most``.
    /// - Throws: What tokenizer and models throw.
    func samples(
        student: TransformerModel, teacher: TransformerModel? = nil, baseline: TransformerModel? = nil,
        limit: Int
    ) throws -> [PredictionAnalysis.Sample] {
        let prompts = try prompts(min(limit, Self.most))
        guard !prompts.isEmpty else { return [] }
        let own = try answers(of: student, prompts)
        let theirs = try teacher.map { try answers(of: $0, prompts, teacherTokens) }
        let others = try baseline.map { try answers(of: $0, prompts) }
        return try prompts.indices.map { index in
            let prompt = try text.tokenizer.decode(prompts[index].ids)
            let isCut = prompts[index].rest.count > Self.answerTokens
            let reference = try text.tokenizer.decode(prompts[index].rest.prefix(Self.answerTokens))
            return PredictionAnalysis.Sample(
                prompt: prompt.count > Self.promptCharacters
                    ? "…" + prompt.suffix(Self.promptCharacters - 1) : prompt,
                reference: reference + (isCut ? "…" : ""), student: own[index], teacher: theirs?[index],
                baseline: others?[index])
        }
    }

    /// Prompts evenly over the data: what comes before the first target, of a document its beginning.
    private func prompts(_ count: Int) throws -> [Prompt] {
        guard count > 0, data.count > 0 else { return [] }
        let chosen = Set((0..<count).map { $0 * data.count / count }).sorted()
        return try chosen.compactMap { index in
            let ids = try data.example(index).inputIDs
            let positions = (data.rowPositions(of: index) ?? []).map { Int($0) + 1 }
            guard var start = positions.first, let end = positions.last else { return nil }
            if start == 1 { start = min(Self.documentTokens, max(1, ids.count / 2)) }
            // An answer ends with its turn, though others may follow.
            let rest = zip(positions, positions.dropFirst()).first { $0 >= start && $1 > $0 + 1 }?.0 ?? end
            guard start <= rest else { return nil }
            return Prompt(ids: Array(ids[..<start]), rest: Array(ids[start...rest]))
        }
    }

    private func answers(
        of model: TransformerModel, _ prompts: [Prompt],
        _ tokens: (vocabulary: TeacherVocabulary, tokenizer: Tokenizer)? = nil
    ) throws -> [String] {
        func renumbered(_ ids: [Int32]) -> [Int32] {
            tokens.map { tokens in ids.map { tokens.vocabulary.teacherIDs[Int($0)] } } ?? ids
        }
        var options = GenerationOptions()
        options.maxNewTokens = Self.answerTokens
        options.stopTokenIDs = renumbered(text.tokens.stopIDs).filter {
            Int($0) < model.configuration.vocabSize
        }
        let generator = try TextGenerator(model: model, tokenizer: tokens?.tokenizer ?? text.tokenizer)
        return try withNoGrad {
            try generator.generate(tokens: prompts.map { renumbered($0.ids) }, options)
        }.map {
            $0.text + ($0.finishReason == .length ? "…" : "")
        }
    }
}

extension PredictionAnalysis {
    /// Adds samples of a language model's answers; a run does not fail by them.
    ///
    /// - Parameters:
    ///   - log: Receives a warning where there are none.
    ///   - body: Makes them; `nil` for a model that writes no texts.
    mutating func addSamples(_ log: RunLog, _ body: () throws -> [Sample]?) {
        do { samples = try body() } catch {
            log.warnOnce("\(error); the report has no samples of answers")
        }
    }
}
