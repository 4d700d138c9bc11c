extension FamilyBuilder {
    static let bert = FamilyBuilder(
        families: [.bert], encoder: { try EncoderParts(postNorm: $0, $1) },
        sequenceHead: { try SequenceClassificationHead($0, $1) })
}
