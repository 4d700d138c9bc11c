import Architectures
import Tokenizers
import Torch
import Transformers

/// Generates the texts of several prompts: so many at a time, and when one is complete the next takes its place.
struct GenerationRun {
    let model: TransformerModel
    let tokenizer: Tokenizer
    let options: GenerationOptions
    let precision: Precision
    /// The most texts at a time.
    let batchSize: Int
    /// The most tokens of a pass; a longer prompt has one of its own.
    let batchTokens: Int
    /// The number of the first prompt.
    var firstPrompt = 0

    func callAsFunction(
        _ prompts: [[Int32]], known: [Int: GeneratedText] = [:], _ onEvent: (GenerationEvent) throws -> Void
    ) throws -> [GeneratedText] {
        var results = prompts.indices.map { known[$0] }
        var (waiting, running) = (prompts.indices.filter { known[$0] == nil }[...], [RunningText]())
        while !waiting.isEmpty || !running.isEmpty {
            try admit(&waiting, to: &running, prompts)
            for (text, choice) in zip(running, try pass(running)) {
                let piece = try text.append(choice, positions: model.configuration.maxLength)
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
        _ waiting: inout ArraySlice<Int>, to running: inout [RunningText], _ prompts: [[Int32]]
    ) throws {
        var tokens = running.count
        while let prompt = waiting.first, running.count < batchSize,
            tokens == 0 || tokens + prompts[prompt].count <= batchTokens
        {
            waiting.removeFirst()
            tokens += prompts[prompt].count
            running.append(
                try RunningText(
                    prompt: prompt, tokens: prompts[prompt], cache: model.makeCache(precision: precision),
                    tokenizer: tokenizer, options: options))
        }
    }

    /// Runs the model on what each text has new, and chooses each one's next token.
    private func pass(_ texts: [RunningText]) throws -> [TokenSampler.Choice] {
        var input = PackedInput(inputIDs: [], offsets: [0], rows: [])
        for text in texts {
            input.inputIDs += text.next
            input.offsets.append(input.inputIDs.count)
            input.rows?.append(input.inputIDs.count - 1)
        }
        let logits = try model(input, caches: texts.map(\.cache)).logits
        let vocabulary = try logits.size(1)
        var values: [Float] = try logits.array()
        let sampler = TokenSampler(options: options)
        return try values.withUnsafeMutableBufferPointer { all in
            try texts.enumerated().map { row, text in
                let own = UnsafeMutableBufferPointer(rebasing: all[row * vocabulary..<(row + 1) * vocabulary])
                return try sampler.choose(
                    own, seen: text.seen, prompt: firstPrompt + text.prompt, place: text.generated.count)
            }
        }
    }
}
