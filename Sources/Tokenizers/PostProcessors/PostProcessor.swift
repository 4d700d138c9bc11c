/// The last stage: joins the texts' tokens and adds special ones.
protocol PostProcessor: Sendable {
    /// What one text becomes, or a pair.
    func template(isPair: Bool) -> [TemplatePiece]
    /// How white space at the ends of tokens is left out of their offsets; `nil` where it stays.
    var trimming: OffsetTrimming? { get }
}

/// How white space at the ends of tokens is left out of their offsets, as byte-level tokenizers do.
struct OffsetTrimming: Sendable, Equatable {
    /// Whether the first token's space was added, so that there is none to leave out.
    var addsPrefixSpace: Bool
}

extension PostProcessor {
    var trimming: OffsetTrimming? { nil }
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

/// Another post-processor's tokens, all of the first segment.
struct UnsegmentedPostProcessor: PostProcessor {
    let base: any PostProcessor

    var trimming: OffsetTrimming? { base.trimming }

    func template(isPair: Bool) -> [TemplatePiece] {
        base.template(isPair: isPair).map { TemplatePiece(content: $0.content, typeID: 0) }
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
