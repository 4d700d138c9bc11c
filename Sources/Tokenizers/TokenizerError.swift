import JSON

/// A reason why a tokenizer could not be loaded or a text could not be encoded.
public enum TokenizerError: Error, Sendable, Equatable {
    /// A directory holds no tokenizer, or is not there.
    case missing(directory: String, reason: String)
    /// A file does not say what it must; `key` is the path to the value, such as `model.vocab`.
    case malformed(file: String, key: String, reason: String)
    /// A part of the tokenizer is of a type that is not known here.
    case unsupported(file: String, part: String, type: String, supported: [String])
    /// The tokens or their ids contradict each other, or one is missing that is needed.
    case invalidVocabulary(file: String, reason: String)
    /// A stage of the tokenizer cannot take a text: it would grow without limit, or keep a regular expression busy.
    /// `stage` is the file with the path to the stage, `index` the text's index in its batch.
    case text(stage: String, reason: String, index: Int?)
    /// A text cannot be cut to the length asked for.
    case truncation(String)
    /// Encodings cannot be made equally long.
    case padding(String)
}

extension TokenizerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missing(let directory, let reason): "\(directory): \(reason)"
        case .malformed(let file, let key, let reason): "\(file): \(key): \(reason)"
        case .unsupported(let file, let part, let type, let supported):
            "\(file): \(part) is of type \(quoted(type)), which is not supported; "
                + "use a tokenizer with one of: \(supported.joined(separator: ", "))"
        case .invalidVocabulary(let file, let reason): "\(file): \(reason)"
        case .text(let stage, let reason, _): "\(stage): \(reason)"
        case .truncation(let reason): "truncation: \(reason)"
        case .padding(let reason): "padding: \(reason)"
        }
    }
}

extension TokenizerError {
    /// The index in its batch of the text that a stage could not take.
    public var textIndex: Int? {
        if case .text(_, _, let index) = self { index } else { nil }
    }

    /// The error of some text of a batch.
    ///
    /// - Parameter replacing: true if the index replaces an existing one, such as that of a word.
    package static func of(text index: Int, _ error: any Error, replacing: Bool = false) -> any Error {
        guard case .text(let stage, let reason, let known)? = error as? TokenizerError,
            known == nil || replacing
        else { return error }
        return TokenizerError.text(stage: stage, reason: reason, index: index)
    }
}

/// A token or name for an error message: quoted, on one line, and not longer than a line.
package func quoted(_ text: String) -> String {
    let scalars = text.unicodeScalars
    let shortened = scalars.count > 60 ? String(String.UnicodeScalarView(scalars.prefix(60))) + "…" : text
    return JSONValue.string(shortened).serialized()
}
