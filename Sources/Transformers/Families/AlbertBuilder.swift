extension FamilyBuilder {
    static let albert = FamilyBuilder(
        families: [.albert],
        // Only what attention puts out is dropped.
        encoder: { try EncoderParts(postNorm: $0, $1, outputDropout: 0) },
        sequenceHead: { try SequenceClassificationHead($0, $1) })
}
