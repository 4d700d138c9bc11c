/// The last stage: joins the texts' tokens and adds special ones.
protocol PostProcessor: Sendable {
    /// The special tokens that are added.
    var specialTokenIDs: [Int32] { get }

    /// How many special tokens are added to one text, or to a pair.
    func addedTokenCount(isPair: Bool) -> Int

    /// Joins the tokens of a text, or of a pair.
    func process(_ first: [Int32], _ second: [Int32]?, addSpecialTokens: Bool) -> Encoding
}

/// What happens when `tokenizer.json` names no post-processor: the texts' tokens, and nothing else.
struct PlainPostProcessor: PostProcessor {
    var specialTokenIDs: [Int32] { [] }

    func addedTokenCount(isPair: Bool) -> Int { 0 }

    func process(_ first: [Int32], _ second: [Int32]?, addSpecialTokens: Bool) -> Encoding {
        var encoding = Encoding(capacity: first.count + (second?.count ?? 0))
        encoding.append(first, typeID: 0, special: false)
        if let second { encoding.append(second, typeID: 1, special: false) }
        return encoding
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
