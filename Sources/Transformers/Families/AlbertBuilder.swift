extension FamilyBuilder {
    static let albert = FamilyBuilder(
        families: [.albert],
        // Dropout applies only to the attention output.
        encoder: { try EncoderParts(postNorm: $0, $1, outputDropout: 0) },
        sequenceHead: { try SequenceClassificationHead($0, $1) })
}
