/// The last stage: joins the texts' tokens and adds special ones.
protocol PostProcessor: Sendable {
    /// What one text becomes, or a pair.
    func template(isPair: Bool) -> [TemplatePiece]
}

/// A place in a template.
struct TemplatePiece: Sendable, BitwiseCopyable {
    enum Content: Sendable, BitwiseCopyable {
        case first, second
        /// A token that is always the same.
        case special(Int32)
    }

    var content: Content
    var typeID: Int32

    /// The id of a special token.
    var specialTokenID: Int32? { if case .special(let id) = content { id } else { nil } }
}

extension PostProcessor {
    /// The special tokens that are added.
    var specialTokenIDs: [Int32] {
        (template(isPair: false) + template(isPair: true)).compactMap(\.specialTokenID)
    }

    /// What one text becomes, or a pair, without special tokens unless they are asked for.
    func template(isPair: Bool, addSpecialTokens: Bool) -> [TemplatePiece] {
        let template = template(isPair: isPair)
        return addSpecialTokens ? template : template.filter { $0.specialTokenID == nil }
    }
}

/// What happens when `tokenizer.json` names no post-processor: the texts' tokens, and nothing else.
struct PlainPostProcessor: PostProcessor {
    func template(isPair: Bool) -> [TemplatePiece] {
        let first = TemplatePiece(content: .first, typeID: 0)
        return isPair ? [first, TemplatePiece(content: .second, typeID: 1)] : [first]
    }
}

extension StageRegistry where Stage == any PostProcessor {
    /// The post-processors that `tokenizer.json` may name.
    static var postProcessors: Self {
        Self(
            part: "post_processor",
            stages: [
                "BertProcessing": { try BertProcessing.template($0) },
                "TemplateProcessing": { try TemplateProcessing($0) },
            ])
    }
}
