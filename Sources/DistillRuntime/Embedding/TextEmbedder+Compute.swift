import Architectures
import Synchronization
import Tokenizers

extension TextEmbedder {
    /// The vectors, one after another, and the number of texts that were cut.
    package func vectors(_ texts: [String], prompt: String? = nil) throws -> (values: [Float], cutCount: Int)
    {
        guard !texts.isEmpty else { return ([], 0) }
        let prompt = try files.prompt(prompt)
        let inputs = prompt.isEmpty ? texts : texts.map { prompt + $0 }
        let encoding = try tokenizer.encodeFlat(
            batch: inputs, addSpecialTokens: addsSpecialTokens, maxLength: maxLength)
        let lengths = [Int](repeating: try promptLength(prompt), count: texts.count)
        return (try vectors(of: encoding, promptLengths: lengths), encoding.cutCount)
    }

    /// True if tokens such as `[CLS]` belong to a text; a table has none of them.
    package var addsSpecialTokens: Bool { if case .encoder = source { true } else { false } }

    /// The width of a token's vector; `nil` of a table, whose vectors by token know nothing of the text.
    package var tokenWidth: Int? { pooling?.width }

    /// The number of a prompt's tokens at a text's beginning, where they do not count; else 0.
    ///
    /// - Parameter prompt: The prompt itself.
    /// - Throws: `TokenizerError` where it cannot be encoded.
    package func promptLength(_ prompt: String) throws -> Int {
        guard !prompt.isEmpty, pooling?.includesPrompt == false else { return 0 }
        if let known = promptLengths.withLock({ $0[prompt] }) { return known }
        let ids = try tokenizer.encodeFlat(batch: [prompt], maxLength: maxLength, threads: 1).ids
        // A token that ends every text is not the prompt's.
        let length = ids.last.map(tokenizer.isSpecial) == true ? ids.count - 1 : ids.count
        promptLengths.withLock { $0[prompt] = length }
        return length
    }

    /// The vectors of encoded texts, one after another: (B, ``dimension``).
    ///
    /// - Parameters:
    ///   - encoding: The texts, each no longer than ``maxLength``.
    ///   - promptLengths: The number of tokens at each text's beginning that do not count.
    /// - Throws: ``RuntimeError`` for an id outside of the vocabulary; ``NonFiniteVectorError``.
    package func vectors(of encoding: FlatEncoding, promptLengths: [Int]) throws -> [Float] {
        guard encoding.count > 0 else { return [] }
        var values =
            switch source {
            case .encoder(let encoder): try pooled(encoding, encoder, promptLengths)
            case .table(let table): try table.vectors(encoding)
            }
        for stage in stages {
            switch stage {
            case .pooling: break
            case .dense(let dense): values = try dense(values)
            case .normalize(let width): Self.normalize(&values, width: width)
            }
        }
        if !values.withUnsafeBufferPointer(\.areFinite),
            let index = values.firstIndex(where: { !$0.isFinite })
        {
            throw NonFiniteVectorError(path, text: index / dimension, value: values[index])
        }
        return values
    }

    /// The vectors of encoded texts' tokens as the encoder's last layer gives them, before any pooling: (T, ``tokenWidth``).
    ///
    /// - Throws: ``RuntimeError`` of a table, and for an id outside of the vocabulary; ``NonFiniteVectorError``.
    package func tokenVectors(of encoding: FlatEncoding) throws -> [Float] {
        guard case .encoder(let encoder) = source, let width = tokenWidth else {
            throw RuntimeError(
                "\(path): is a table of vectors, which has none of a text's tokens in their text")
        }
        let lengths = Self.lengths(encoding)
        var vectors = [Float](repeating: 0, count: encoding.ids.count * width)
        for batch in TokenBatches(lengths: lengths) {
            let texts = PackedTexts(encoding, batch)
            let states = try encoder.states(texts, firstOnly: false)
            defer { withExtendedLifetime(states) {} }
            for (place, text) in batch.enumerated() {
                let (first, row) = (encoding.offsets[text] * width, Int(texts.offsets[place]) * width)
                for index in 0..<lengths[text] * width {
                    let value = states.pointer[row + index]
                    guard value.isFinite else { throw NonFiniteVectorError(path, text: text, value: value) }
                    vectors[first + index] = value
                }
            }
        }
        return vectors
    }

    private static func lengths(_ encoding: FlatEncoding) -> [Int] {
        (0..<encoding.count).map { encoding.offsets[$0 + 1] - encoding.offsets[$0] }
    }

    private var pooling: Pooling? {
        for case .pooling(let pooling) in stages { return pooling }
        return nil
    }

    private func pooled(_ encoding: FlatEncoding, _ encoder: Encoder, _ promptLengths: [Int]) throws
        -> [Float]
    {
        guard let pooling else { return [] }
        let lengths = Self.lengths(encoding)
        var vectors = [Float](repeating: 0, count: encoding.count * pooling.outputs)
        let isFirstOnly = pooling.readsFirstTokens
        for batch in TokenBatches(lengths: lengths) {
            let texts = PackedTexts(encoding, batch)
            let states = try encoder.states(texts, firstOnly: isFirstOnly)
            defer { withExtendedLifetime(states) {} }
            var vector: [Float] = []
            for (place, text) in batch.enumerated() {
                vector.removeAll(keepingCapacity: true)
                let row = isFirstOnly ? place : Int(texts.offsets[place])
                pooling.append(
                    states.pointer + row * pooling.width, count: isFirstOnly ? 1 : lengths[text],
                    prompt: promptLengths[text], to: &vector)
                vectors.replaceSubrange(text * pooling.outputs..<(text + 1) * pooling.outputs, with: vector)
            }
        }
        return vectors
    }

    /// Divides each vector by its Euclidean length.
    static func normalize(_ values: inout [Float], width: Int) {
        values.withUnsafeMutableBufferPointer { buffer in
            for start in stride(from: 0, to: buffer.count, by: width) {
                let vector = UnsafeMutableBufferPointer(rebasing: buffer[start..<start + width])
                let length = max(UnsafeBufferPointer(vector).sumOfSquares.squareRoot(), 1e-12)
                for index in vector.indices { vector[index] /= length }
            }
        }
    }
}
