import DistillRuntime
import Tokenizers

extension ServedModel {
    private var embedder: TextEmbedder? {
        if case .embedder(let embedder, _) = predictor { embedder } else { nil }
    }

    /// The number of components of a text's vector; `nil` of a model that gives none.
    var dimension: Int? { embedder?.dimension }
    /// The number of components of a token's vector; `nil` of a model that gives none.
    var tokenWidth: Int? { embedder?.tokenWidth }

    /// The names of the prompts, in alphabetical order.
    var promptNames: [String] { embedder?.files.prompts.keys.sorted() ?? [] }

    /// The prompt of a name; of the default one without; empty of models that have none.
    ///
    /// - Throws: ``ServingError`` for a name that the model does not have.
    func prompt(_ name: String?) throws(ServingError) -> String {
        guard let embedder else {
            guard name == nil else {
                throw ServingError(
                    .validation, "`prompt_name` is for embedding models, which '\(self.name)' is not")
            }
            return ""
        }
        guard let name = name ?? embedder.files.defaultPrompt else { return "" }
        guard let prompt = embedder.files.prompts[name] else {
            let names = promptNames.map { "'\($0)'" }.joined(separator: ", ")
            throw ServingError(
                .validation,
                "`prompt_name` is '\(name)', of which the model has none; it has \(names.isEmpty ? "no prompts" : names)"
            )
        }
        return prompt
    }

    /// The text of tokens.
    ///
    /// - Throws: ``ServingError`` for a number that is no token's.
    func decode(_ ids: [Int32], _ skipsSpecialTokens: Bool) throws(ServingError) -> String {
        try checkTokens(ids)
        do {
            return try tokenizer.decode(ids, skipSpecialTokens: skipsSpecialTokens)
        } catch {
            throw ServingError(.tokenizer, "the tokens cannot be decoded: \(error)")
        }
    }

    private func checkTokens(_ ids: [Int32]) throws(ServingError) {
        guard let wrong = ids.first(where: { tokenizer.idToToken($0) == nil }) else { return }
        throw ServingError(
            .validation,
            "\(wrong) is the id of no token; the model's go up to \(tokenizer.largestTokenID), see /tokenize")
    }

    /// Tokenizes texts to embed.
    ///
    /// - Parameters:
    ///   - inputs: The texts.
    ///   - options: The prompt, and what becomes of texts that are too long.
    ///   - limits: The server's.
    ///   - wantsTokens: True for the vectors of tokens.
    /// - Throws: ``ServingError`` for a text that is empty, too long, or that the tokenizer refuses.
    func inputs(
        _ inputs: [EmbedInput], _ options: EmbedOptions, _ limits: ServingLimits, wantsTokens: Bool
    ) throws(ServingError) -> [Input] {
        let prompt = try prompt(options.promptName)
        var result: [Input] = []
        for input in inputs {
            do {
                var one = try self.input(input, prompt, options.truncation, limits)
                one.wantsTokens = wantsTokens
                result.append(one)
            } catch let error as ServingError {
                throw error
            } catch {
                throw ServingError(.tokenizer, "the text cannot be tokenized: \(error)")
            }
        }
        return result
    }

    private func input(
        _ input: EmbedInput, _ prompt: String, _ truncation: TruncationChoice, _ limits: ServingLimits
    ) throws -> Input {
        let limit = min(maxLength ?? .max, limits.maxBatchTokens)
        let truncates = truncation.isWanted ?? limits.autoTruncate
        switch input {
        case .text(""), .ids([]): throw ServingError(.empty, "`inputs` cannot be empty")
        case .text(let text):
            return try self.input(prompt + text, prompt, limit, truncates: truncates, truncation.side)
        case .ids(let ids) where prompt.isEmpty:
            try checkTokens(ids)
            guard ids.count > limit else { return Input(tokens: FlatEncoding(ids)) }
            guard truncates else { throw tooLong(ids.count, limit) }
            let kept = truncation.side == .right ? ids.prefix(limit) : ids.suffix(limit)
            return Input(tokens: FlatEncoding(Array(kept)))
        case .ids(let ids):
            let text = try decode(ids, true)
            return try self.input(prompt + text, prompt, limit, truncates: truncates, truncation.side)
        }
    }

    private func input(
        _ text: String, _ prompt: String, _ limit: Int, truncates: Bool, _ side: Side
    ) throws -> Input {
        let addsSpecialTokens = embedder?.addsSpecialTokens ?? true
        var promptLength = try embedder?.promptLength(prompt) ?? 0
        var tokens = try tokenizer.encodeFlat(batch: [text], addSpecialTokens: addsSpecialTokens, threads: 1)
        let excess = tokens.ids.count - limit
        if excess > 0 {
            guard truncates else { throw tooLong(tokens.ids.count, limit) }
            tokens = try tokenizer.encodeFlat(
                batch: [text], addSpecialTokens: addsSpecialTokens, maxLength: limit, truncationSide: side,
                threads: 1)
            if side == .left, promptLength > 0 {
                // The prompt is cut first; a token that begins every text stays.
                let first = tokens.ids.first.map(tokenizer.isSpecial) == true ? 1 : 0
                promptLength = max(first, promptLength - excess)
            }
        }
        return Input(tokens: tokens, promptLength: promptLength)
    }
}

extension FlatEncoding {
    /// A single text of these tokens.
    fileprivate init(_ ids: [Int32]) {
        self.init(ids: ids, typeIDs: [Int32](repeating: 0, count: ids.count), offsets: [0, ids.count])
    }
}
