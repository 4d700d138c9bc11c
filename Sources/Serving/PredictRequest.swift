import JSON
import Tokenizers

/// The body of `POST /predict`.
public struct PredictRequest: Sendable, Equatable {
    /// The texts or pairs, at least one.
    public var inputs: [TextPair]
    /// True if the answer is an array of answers, one for each input.
    public var isBatch: Bool
    /// True to cut texts that are too long; `nil` for the server's default.
    public var truncate: Bool?
    /// The end at which they are cut.
    public var truncationSide: Side
    /// True to answer with logits.
    public var rawScores: Bool

    /// Reads a body.
    ///
    /// - Parameter body: JSON in UTF-8. Keys that are not known are passed over, as text-embeddings-inference does.
    /// - Throws: ``ServingError`` that names the key.
    public init(_ body: [UInt8]) throws(ServingError) {
        let json: JSONValue
        do {
            json = try JSONValue.parse(body)
        } catch {
            throw ServingError(.validation, "the body is not JSON: \(error)")
        }
        guard let object = json.objectValue else {
            throw ServingError(
                .validation,
                "the body must be an object with the key `inputs`, \(json.typeName) was given")
        }
        guard let inputs = object["inputs"] else {
            throw ServingError(.validation, "the body has no `inputs`; give a text, a pair or a batch")
        }
        (self.inputs, isBatch) = try Self.inputs(inputs)
        truncate = try Self.truth("truncate", object, orNull: true)
        rawScores = try Self.truth("raw_scores", object, orNull: false) ?? false
        switch object["truncation_direction"] {
        case nil, .string("Right"): truncationSide = .right
        case .string("Left"): truncationSide = .left
        default:
            throw ServingError(.validation, "`truncation_direction` must be \"Left\" or \"Right\"")
        }
    }

    /// `inputs` as texts, and whether they are a batch.
    private static func inputs(_ json: JSONValue) throws(ServingError) -> ([TextPair], isBatch: Bool) {
        switch json {
        case .string(let text): return ([TextPair(text)], false)
        case .array(let elements):
            guard let first = elements.first else {
                throw ServingError(.empty, "`inputs` cannot be empty")
            }
            // A list of texts is one text or one pair, not a batch.
            if case .string = first { return ([try text(elements)], false) }
            var texts: [TextPair] = []
            for element in elements {
                guard let parts = element.arrayValue else { throw wrongInputs }
                texts.append(try text(parts))
            }
            return (texts, true)
        default: throw wrongInputs
        }
    }

    private static func text(_ parts: [JSONValue]) throws(ServingError) -> TextPair {
        let strings = parts.compactMap(\.stringValue)
        guard strings.count == parts.count, 1...2 ~= strings.count else { throw wrongInputs }
        return TextPair(strings[0], pair: strings.count == 2 ? strings[1] : nil)
    }

    private static var wrongInputs: ServingError {
        ServingError(
            .validation,
            "`inputs` must be a text, a pair of texts [text, text], or a batch of both [[text], [text, text], …]"
        )
    }

    private static func truth(_ key: String, _ object: JSONObject, orNull: Bool) throws(ServingError) -> Bool?
    {
        switch object[key] {
        case nil: return nil
        case .bool(let value): return value
        case .null where orNull: return nil
        default:
            throw ServingError(.validation, "`\(key)` must be true or false\(orNull ? " or null" : "")")
        }
    }
}
