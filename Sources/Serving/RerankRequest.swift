import JSON
import Tokenizers

/// The body of `POST /rerank`: texts in the order in which they answer a query.
struct RerankRequest: ModelRequest, Equatable {
    let query: String
    let texts: [String]
    let truncation: TruncationChoice
    let rawScores: Bool
    let returnsText: Bool

    var isBatch: Bool { true }
    var inputCount: Int { texts.count }
    var characterCount: Int { texts.reduce(0) { $0 + $1.scalarCount + query.scalarCount } }

    init(_ body: [UInt8]) throws(ServingError) {
        let body = try RequestBody(body, needs: "query", hint: "a text, and `texts` to rank")
        query = try body.requiredText("query")
        texts = try body.requiredTexts("texts")
        truncation = try body.truncation()
        rawScores = try body.truth("raw_scores") ?? false
        returnsText = try body.truth("return_text") ?? false
    }

    func work(for model: ServedModel, _ limits: ServingLimits) throws(ServingError) -> ModelWork {
        var inputs: [ServedModel.Input] = []
        for text in texts {
            inputs.append(
                try model.input(
                    TextPair(query, pair: text), truncate: truncation.isWanted ?? limits.autoTruncate,
                    side: truncation.side, maxTokens: limits.maxBatchTokens))
        }
        return .compute(inputs) { values throws(ServingError) in answer(model, values) }
    }

    private func answer(_ model: ServedModel, _ values: [[Float]]) -> String {
        let scores = values.map { model.scores($0.map(Double.init), raw: rawScores).first ?? 0 }
        let order = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
        let ranks = order.map { index -> JSONValue in
            var rank: JSONObject = ["index": .integer(index)]
            if returnsText { rank["text"] = .string(texts[index]) }
            rank["score"] = .number(scores[index])
            return .object(rank)
        }
        return JSONValue.array(ranks).serialized()
    }
}
