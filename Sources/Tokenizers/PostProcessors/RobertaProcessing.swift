/// RoBERTa's template: `<s> A </s>`, and `<s> A </s></s> B </s>`, all of type 0.
enum RobertaProcessing {
    static func template(_ configuration: StageConfiguration) throws -> TemplateProcessing {
        template(
            cls: try BertProcessing.id(of: "cls", configuration),
            sep: try BertProcessing.id(of: "sep", configuration))
    }

    static func template(cls: Int32, sep: Int32) -> TemplateProcessing {
        func piece(_ content: TemplatePiece.Content) -> TemplatePiece {
            TemplatePiece(content: content, typeID: 0)
        }
        let single = [piece(.special(cls)), piece(.first), piece(.special(sep))]
        return TemplateProcessing(
            single: single, pair: single + [piece(.special(sep)), piece(.second), piece(.special(sep))])
    }
}

/// A post-processor that leaves white space out of offsets, too.
struct TrimmingPostProcessor: PostProcessor {
    private let base: any PostProcessor
    let trimming: OffsetTrimming?

    init(_ base: any PostProcessor, trimming: OffsetTrimming?) {
        self.base = base
        self.trimming = trimming
    }

    init(_ configuration: StageConfiguration, _ base: any PostProcessor) throws {
        let addsPrefixSpace = try configuration.optionalBool("add_prefix_space") ?? true
        let trims = try configuration.optionalBool("trim_offsets") ?? true
        self.init(base, trimming: trims ? OffsetTrimming(addsPrefixSpace: addsPrefixSpace) : nil)
    }

    func template(isPair: Bool) -> [TemplatePiece] { base.template(isPair: isPair) }
}

/// Several post-processors; of those that add tokens the last counts.
struct PostProcessorSequence: PostProcessor {
    let stages: [any PostProcessor]

    var trimming: OffsetTrimming? { stages.lazy.compactMap(\.trimming).first }

    func template(isPair: Bool) -> [TemplatePiece] {
        let plain = PlainPostProcessor().template(isPair: isPair)
        return stages.map { $0.template(isPair: isPair) }.last { $0.count != plain.count } ?? plain
    }
}
