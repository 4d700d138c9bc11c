import Tokenizers

/// Generates the texts of several prompts: so many at a time, and when one is complete the next takes its place. What a prompt has in
/// common with all others, or with a text beside it, is not computed again.
package struct GenerationRun<Model: NextTokenModel> {
    let model: Model
    let tokenizer: Tokenizer
    let options: GenerationOptions
    /// The most texts at a time.
    let batchSize: Int
    /// The most tokens of a pass; a longer prompt has one of its own.
    let batchTokens: Int
    /// The number of the first prompt, on which random draws depend: where prompts come in several runs, those before.
    let firstPrompt: Int

    package init(
        model: Model, tokenizer: Tokenizer, options: GenerationOptions, batchSize: Int, batchTokens: Int,
        firstPrompt: Int = 0
    ) {
        (self.model, self.tokenizer, self.options) = (model, tokenizer, options)
        (self.batchSize, self.batchTokens, self.firstPrompt) = (batchSize, batchTokens, firstPrompt)
    }

    package func callAsFunction(
        _ prompts: [[Int32]], known: [Int: GeneratedText] = [:], _ onEvent: (GenerationEvent) throws -> Void
    ) throws -> [GeneratedText] {
        var results = prompts.indices.map { known[$0] }
        var (waiting, running) = (
            prompts.indices.filter { known[$0] == nil }[...], [RunningText<Model.Cache>]()
        )
        let beginning = try SharedBeginning(waiting.map { prompts[$0] }, model)
        while !waiting.isEmpty || !running.isEmpty {
            try admit(&waiting, to: &running, prompts, beginning)
            for (text, choice) in zip(running, try pass(running)) {
                let piece = try text.append(choice, positions: model.positions)
                if !piece.isEmpty { try onEvent(.piece(prompt: text.prompt, text: piece)) }
                guard let result = text.result else { continue }
                results[text.prompt] = result
                try onEvent(.finished(prompt: text.prompt, result))
            }
            running.removeAll { $0.result != nil }
        }
        return results.compactMap(\.self)
    }

    private func admit(
        _ waiting: inout ArraySlice<Int>, to running: inout [RunningText<Model.Cache>], _ prompts: [[Int32]],
        _ beginning: SharedBeginning<Model>?
    ) throws {
        // Those that have a cache by now; texts that begin together have nothing to share yet.
        let beside = running
        var tokens = running.count
        while let number = waiting.first, running.count < batchSize {
            let prompt = prompts[number]
            let start = try begin(prompt, beside, beginning)
            guard tokens == 0 || tokens + prompt.count - start.tokens <= batchTokens else { return }
            waiting.removeFirst()
            tokens += prompt.count - start.tokens
            running.append(
                try RunningText(
                    prompt: number, tokens: prompt, cache: start.cache, cached: start.tokens,
                    tokenizer: tokenizer, options: options))
        }
    }

    /// A cache with as much of a prompt as another text has computed; its last token is always left.
    private func begin(
        _ prompt: [Int32], _ beside: [RunningText<Model.Cache>], _ beginning: SharedBeginning<Model>?
    ) throws -> (cache: Model.Cache, tokens: Int) {
        var longest = 0
        var cache: Model.Cache?
        func offer(_ tokens: some Collection<Int32>, _ other: Model.Cache) {
            let common = zip(prompt.dropLast(), tokens).prefix { $0 == $1 }.count
            if common > longest { (longest, cache) = (common, other) }
        }
        if let beginning { offer(beginning.tokens, beginning.cache) }
        for text in beside { offer(text.cachedTokens, text.cache) }
        guard let cache else { return (try model.makeCache(), 0) }
        return try model.share(cache, tokens: longest)
    }

    /// Runs the model on what each text has new, and chooses each one's next token.
    private func pass(_ texts: [RunningText<Model.Cache>]) throws -> [TokenSampler.Choice] {
        var (ids, offsets) = ([Int32](), [0])
        for text in texts {
            ids += text.next
            offsets.append(ids.count)
        }
        var values = try model.logits(ids, offsets: offsets, caches: texts.map(\.cache))
        let (vocabulary, sampler) = (model.vocabularySize, TokenSampler(options: options))
        return try values.withUnsafeMutableBufferPointer { all in
            try texts.enumerated().map { row, text in
                let own = UnsafeMutableBufferPointer(rebasing: all[row * vocabulary..<(row + 1) * vocabulary])
                return try sampler.choose(
                    own, seen: text.seen, prompt: firstPrompt + text.prompt, place: text.generated.count)
            }
        }
    }
}
