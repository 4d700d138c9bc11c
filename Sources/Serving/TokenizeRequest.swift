import JSON
import Tokenizers

/// The body of `POST /tokenize`: the tokens of texts.
struct TokenizeRequest: ModelRequest, Equatable {
    let texts: [String]
    let isBatch: Bool
    let addsSpecialTokens: Bool
    let promptName: String?

    var inputCount: Int { texts.count }
    var characterCount: Int { texts.reduce(0) { $0 + $1.scalarCount } }

    init(_ body: [UInt8]) throws(ServingError) {
        let body = try RequestBody(body, needs: "inputs", hint: "a text or a list of texts")
        if let text = body.object["inputs"]?.stringValue {
            (texts, isBatch) = ([text], false)
        } else {
            (texts, isBatch) = (try body.requiredTexts("inputs"), true)
        }
        addsSpecialTokens = try body.truth("add_special_tokens") ?? true
        promptName = try body.text("prompt_name")
    }

    func work(for model: ServedModel, _ limits: ServingLimits) throws(ServingError) -> ModelWork {
        let prompt = try model.prompt(promptName)
        var answers: [JSONValue] = []
        for text in texts { answers.append(.array(try tokens(of: prompt + text, model.tokenizer))) }
        return .answer(JSONValue.array(answers).serialized())
    }

    private func tokens(of text: String, _ tokenizer: Tokenizer) throws(ServingError) -> [JSONValue] {
        let encoding: Encoding
        do {
            encoding = try tokenizer.encodeWithOffsets(text, addSpecialTokens: addsSpecialTokens)
        } catch {
            throw ServingError(.tokenizer, "the text cannot be tokenized: \(error)")
        }
        // Where each character begins, in bytes of UTF-8.
        var places = [0]
        for scalar in text.unicodeScalars { places.append(places[places.count - 1] + UTF8.width(scalar)) }
        let bytes = Array(text.utf8)
        return encoding.ids.indices.map { index in
            let id = encoding.ids[index]
            let isSpecial = encoding.specialTokensMask[index] != 0
            let range = encoding.offsets[index]
            let (start, stop) = (places[range.lowerBound], places[range.upperBound])
            let content =
                isSpecial
                ? tokenizer.idToToken(id) ?? "" : String(decoding: bytes[start..<stop], as: UTF8.self)
            return [
                "id": .integer(Int(id)), "text": .string(content), "special": .bool(isSpecial),
                "start": isSpecial ? nil : .integer(start), "stop": isSpecial ? nil : .integer(stop),
            ]
        }
    }
}

/// The body of `POST /decode`: the texts of tokens.
struct DecodeRequest: ModelRequest, Equatable {
    let ids: [[Int32]]
    let isBatch: Bool
    let skipsSpecialTokens: Bool

    var inputCount: Int { ids.count }
    var characterCount: Int { 0 }

    init(_ body: [UInt8]) throws(ServingError) {
        let body = try RequestBody(body, needs: "ids", hint: "a list of token ids, or a list of such lists")
        let wrong = ServingError(
            .validation, "`ids` must be a list of token ids, or a list of lists of token ids")
        guard let elements = body.object["ids"]?.arrayValue else { throw wrong }
        guard let first = elements.first else { throw ServingError(.empty, "`ids` cannot be empty") }
        isBatch = first.arrayValue != nil
        let lists =
            isBatch ? elements.map { $0.arrayValue.flatMap(EmbedInput.ids) } : [EmbedInput.ids(elements)]
        ids = lists.compactMap(\.self)
        guard ids.count == lists.count else { throw wrong }
        if let empty = ids.firstIndex(where: \.isEmpty) {
            throw ServingError(.empty, "`ids` cannot be empty, and list \(empty) is")
        }
        skipsSpecialTokens = try body.truth("skip_special_tokens") ?? true
    }

    func work(for model: ServedModel, _ limits: ServingLimits) throws(ServingError) -> ModelWork {
        var texts: [JSONValue] = []
        for ids in ids { texts.append(.string(try model.decode(ids, skipsSpecialTokens))) }
        return .answer(JSONValue.array(texts).serialized())
    }
}
