import DistillRuntime
import Tokenizers

extension ServedModel {
    /// Computes inputs together: the logits of each, row after row, or of an embedding model its vector, or those of its tokens.
    ///
    /// - Throws: Errors of the model, for numbers that are not finite among others.
    func values(of inputs: [Input]) throws -> [[Float]] {
        switch predictor {
        case .classifier(let classifier):
            let (model, width) = (classifier.model, classifier.model.labels.count)
            return Self.cut(try model.logits(Self.joined(inputs)), inputs.map { $0.tokens.count * width })
        case .tagger(let tagger):
            let (model, width) = (tagger.model, tagger.model.labels.count)
            return Self.cut(try model.logits(Self.joined(inputs)), inputs.map { $0.tokenCount * width })
        case .embedder(let embedder, _):
            let (whole, byToken) = (inputs.filter { !$0.wantsTokens }, inputs.filter(\.wantsTokens))
            var vectors = Self.cut(
                try embedder.vectors(of: Self.joined(whole), promptLengths: whole.map(\.promptLength)),
                whole.map { _ in embedder.dimension })[...]
            guard !byToken.isEmpty, let width = embedder.tokenWidth else { return Array(vectors) }
            var states = Self.cut(
                try embedder.tokenVectors(of: Self.joined(byToken)), byToken.map { $0.tokenCount * width })[
                    ...]
            return inputs.map { $0.wantsTokens ? states.removeFirst() : vectors.removeFirst() }
        }
    }

    private static func joined(_ inputs: [Input]) -> FlatEncoding {
        var encoding = FlatEncoding(ids: [], typeIDs: [], offsets: [0])
        for input in inputs { encoding.append(input.tokens) }
        return encoding
    }

    /// Consecutive parts of so many numbers.
    private static func cut(_ values: [Float], _ counts: [Int]) -> [[Float]] {
        var start = 0
        return counts.map { count in
            defer { start += count }
            return Array(values[start..<start + count])
        }
    }
}
