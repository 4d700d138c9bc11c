import JSON
import Tokenizers

/// The keys of a body. Those that are not known are passed over, as text-embeddings-inference does.
struct RequestBody {
    let object: JSONObject

    /// - Parameters:
    ///   - body: JSON in UTF-8.
    ///   - key: A key that it needs.
    /// - Throws: ``ServingError`` for what is no object with the key.
    init(_ body: [UInt8], needs key: String, hint: String) throws(ServingError) {
        let json: JSONValue
        do {
            json = try JSONValue.parse(body)
        } catch {
            throw ServingError(.validation, "the body is not JSON: \(error)")
        }
        guard let object = json.objectValue else {
            throw ServingError(
                .validation, "the body must be an object with the key `\(key)`, \(json.typeName) was given")
        }
        guard object[key] != nil else {
            throw ServingError(.validation, "the body has no `\(key)`; give \(hint)")
        }
        self.object = object
    }

    init(_ object: JSONObject) { self.object = object }

    /// True or false; `nil` where it is not given.
    func truth(_ key: String, orNull: Bool = false) throws(ServingError) -> Bool? {
        switch object[key] {
        case nil: return nil
        case .bool(let value): return value
        case .null where orNull: return nil
        default:
            throw ServingError(.validation, "`\(key)` must be true or false\(orNull ? " or null" : "")")
        }
    }

    /// A text; `nil` where it is not given, or null.
    func text(_ key: String) throws(ServingError) -> String? {
        switch object[key] {
        case nil, .null: return nil
        case .string(let text): return text
        default: throw ServingError(.validation, "`\(key)` must be a text")
        }
    }

    /// A text that must be given.
    func requiredText(_ key: String) throws(ServingError) -> String {
        guard let text = object[key]?.stringValue else {
            throw ServingError(.validation, "`\(key)` must be a text")
        }
        return text
    }

    /// A list of texts that must be given, at least one.
    func requiredTexts(_ key: String, called name: String? = nil) throws(ServingError) -> [String] {
        let elements = object[key]?.arrayValue
        let texts = elements?.compactMap(\.stringValue) ?? []
        guard let elements, texts.count == elements.count else {
            throw ServingError(.validation, "`\(name ?? key)` must be a list of texts")
        }
        guard !texts.isEmpty else {
            throw ServingError(.empty, "`\(name ?? key)` cannot be empty")
        }
        return texts
    }

    /// A number from 1 on; `nil` where it is not given, or null.
    func count(_ key: String) throws(ServingError) -> Int? {
        switch object[key] {
        case nil, .null: return nil
        case .some(let value):
            guard let count = value.wholeNumber, count > 0 else {
                throw ServingError(.validation, "`\(key)` must be a whole number of at least 1")
            }
            return count
        }
    }

    /// `truncate` and `truncation_direction`.
    func truncation() throws(ServingError) -> TruncationChoice {
        var choice = TruncationChoice(isWanted: try truth("truncate", orNull: true))
        switch object["truncation_direction"] {
        case nil, .string("Right"), .string("right"): break
        case .string("Left"), .string("left"): choice.side = .left
        default:
            throw ServingError(.validation, "`truncation_direction` must be \"Left\" or \"Right\"")
        }
        return choice
    }
}

/// Whether and where texts that are too long are cut.
struct TruncationChoice: Sendable, Equatable {
    /// `nil` for the server's default.
    var isWanted: Bool?
    /// The end at which they are cut.
    var side = Side.right
}

extension JSONValue {
    /// The whole number that this is, `384.0` too.
    var wholeNumber: Int? { intValue ?? doubleValue.flatMap { Int(exactly: $0) } }
}
