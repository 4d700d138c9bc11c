import Datasets
import Transformers

/// The texts that stand before queries and before documents, where they are not the model's own.
public struct RetrievalPrompts: Sendable, Equatable {
    /// A prompt: a text, or the name of one of the model's.
    public enum Prompt: Sendable, Equatable {
        case text(String)
        case named(String)
    }

    /// `nil` for the model's prompt `query`.
    public var query: Prompt?
    /// `nil` for the first of the model's prompts `document`, `passage` and `corpus` that is a text.
    public var document: Prompt?

    public init(query: Prompt? = nil, document: Prompt? = nil) {
        (self.query, self.document) = (query, document)
    }

    /// Reads a prompt from a text or a name.
    ///
    /// - Parameters:
    ///   - text: The prompt itself.
    ///   - name: The name of one of the model's prompts.
    ///   - option: What they are called, such as `query-prompt`.
    /// - Throws: ``DistillationError`` where both are given.
    public static func prompt(_ text: String?, name: String?, option: String) throws -> Prompt? {
        guard text == nil || name == nil else {
            throw DistillationError(
                "--\(option) and --\(option)-name both say what stands before a text; give one")
        }
        return text.map(Prompt.text) ?? name.map(Prompt.named)
    }
}

extension SentenceTransformer {
    /// The prompt before queries or documents; empty where the model has none for them. A default prompt is for other texts.
    ///
    /// - Throws: `ArchitectureError` for a name that the model does not have; ``DistillationError`` where its pooling would leave the prompt
    ///   out.
    func prompt(for part: RetrievalPart, _ prompts: RetrievalPrompts) throws -> String {
        let stated = part == .queries ? prompts.query : prompts.document
        let names = part == .queries ? ["query"] : ["document", "passage", "corpus"]
        let text =
            switch stated {
            case .text(let text): text
            case .named(let name): try prompt(name)
            case nil: names.lazy.compactMap { self.prompts[$0] }.first { !$0.isEmpty } ?? ""
            }
        if !text.isEmpty, case .pooling(_, _, includesPrompt: false)? = stages.first {
            throw DistillationError(
                "\(path): its pooling leaves out the prompt (include_prompt false), which retrieval does not compute; evaluate it with "
                    + "an empty --\(part == .queries ? "query" : "document")-prompt")
        }
        return text
    }

    /// How two of its vectors are compared.
    ///
    /// - Throws: ``DistillationError`` for what is neither the cosine nor the dot product.
    var similarity: VectorSimilarity {
        get throws {
            guard let name = similarityName else { return .cosine }
            guard let similarity = VectorSimilarity(rawValue: name) else {
                throw DistillationError(
                    "\(path): similarity_fn_name is '\(name)' (config_sentence_transformers.json), but retrieval compares by cosine or dot; "
                        + "set one of them")
            }
            return similarity
        }
    }
}
