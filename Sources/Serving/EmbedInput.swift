import JSON
import Tokenizers

/// A text to embed, or the numbers of its tokens, special ones included, as `/tokenize` gives them.
enum EmbedInput: Sendable, Equatable {
    case text(String)
    case ids([Int32])

    /// Reads a text, a list of ids, or a list of texts and lists of ids.
    ///
    /// - Returns: At least one input, and whether they are a batch.
    /// - Throws: ``ServingError`` that names the key.
    fileprivate static func read(
        _ value: JSONValue?, _ key: String
    ) throws(ServingError) -> ([EmbedInput], isBatch: Bool) {
        let wrong = ServingError(
            .validation,
            "`\(key)` must be a text, a list of texts, a list of token ids, or a list of lists of token ids")
        if case .string(let text)? = value { return ([.text(text)], false) }
        guard let elements = value?.arrayValue else { throw wrong }
        guard let first = elements.first else { throw ServingError(.empty, "`\(key)` cannot be empty") }
        if first.stringValue == nil, first.arrayValue == nil {
            guard let ids = ids(elements) else { throw wrong }
            return ([.ids(ids)], false)
        }
        var inputs: [EmbedInput] = []
        for element in elements {
            if let text = element.stringValue {
                inputs.append(.text(text))
            } else if let ids = element.arrayValue.flatMap(ids) {
                inputs.append(.ids(ids))
            } else {
                throw wrong
            }
        }
        return (inputs, true)
    }

    /// Token ids; `nil` where an element is none.
    static func ids(_ elements: [JSONValue]) -> [Int32]? {
        var ids: [Int32] = []
        for element in elements {
            guard let value = element.wholeNumber, let id = Int32(exactly: value), id >= 0 else { return nil }
            ids.append(id)
        }
        return ids
    }

    /// Characters, or tokens where there are no characters.
    var characterCount: Int {
        switch self {
        case .text(let text): text.scalarCount
        case .ids(let ids): ids.count
        }
    }
}

/// What a body gives to be embedded.
struct EmbedInputs: Sendable, Equatable {
    let inputs: [EmbedInput]
    let isBatch: Bool

    /// Reads them of a body's key.
    ///
    /// - Throws: ``ServingError`` that names the key.
    init(_ body: RequestBody, _ key: String) throws(ServingError) {
        (inputs, isBatch) = try EmbedInput.read(body.object[key], key)
    }
}

/// A request that gives texts or tokens to be embedded.
protocol EmbeddingRequest: ModelRequest {
    var given: EmbedInputs { get }
}

extension EmbeddingRequest {
    var isBatch: Bool { given.isBatch }
    var inputCount: Int { given.inputs.count }
    var characterCount: Int { given.inputs.reduce(0) { $0 + $1.characterCount } }
}
