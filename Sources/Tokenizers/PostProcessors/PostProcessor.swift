/// The last stage: joins the texts' tokens and adds special ones.
protocol PostProcessor: Sendable {
    /// Returns the template of a single text or of a pair.
    func template(isPair: Bool) -> [TemplatePiece]
    /// The trimming of white space from token offsets; `nil` for none.
    var trimming: OffsetTrimming? { get }
}

/// The trimming of white space from token offsets that byte-level tokenizers do.
struct OffsetTrimming: Sendable, Equatable {
    /// True if the first token's space was added by the tokenizer, so that there is none to trim.
    var addsPrefixSpace: Bool
}

extension PostProcessor {
    var trimming: OffsetTrimming? { nil }
}

/// An element of a template.
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

    /// Returns the template of a single text or of a pair, without special tokens unless they are requested.
    func template(isPair: Bool, addSpecialTokens: Bool) -> [TemplatePiece] {
        let template = template(isPair: isPair)
        return addSpecialTokens ? template : template.filter { $0.specialTokenID == nil }
    }
}

/// Another post-processor's tokens, all with token type 0.
struct UnsegmentedPostProcessor: PostProcessor {
    let base: any PostProcessor

    var trimming: OffsetTrimming? { base.trimming }

    func template(isPair: Bool) -> [TemplatePiece] {
        base.template(isPair: isPair).map { TemplatePiece(content: $0.content, typeID: 0) }
    }
}

/// The post-processor when `tokenizer.json` names none: the texts' tokens and nothing else.
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
                "ByteLevel": { try TrimmingPostProcessor($0, PlainPostProcessor()) },
                "RobertaProcessing": {
                    try TrimmingPostProcessor($0, RobertaProcessing.template($0))
                },
                "Sequence": {
                    PostProcessorSequence(
                        stages: try Self.postProcessors.makeAll(from: $0, key: "processors"))
                },
                "TemplateProcessing": { try TemplateProcessing($0) },
            ])
    }
}
