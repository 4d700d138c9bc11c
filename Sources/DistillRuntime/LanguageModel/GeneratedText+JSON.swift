import Decoding
import JSON

extension GeneratedText {
    /// The text as an object of JSON: `text`, the number of its `tokens`, and its `finish_reason`.
    package var json: JSONValue {
        .object([
            "text": .string(text), "tokens": .integer(tokenIDs.count),
            "finish_reason": .string(finishReason.rawValue),
        ])
    }
}
