extension FamilyBuilder {
    static let distilbert = FamilyBuilder(
        families: [.distilbert],
        // No dropout on the attention output.
        encoder: { try EncoderParts(postNorm: $0, $1, hiddenDropout: 0) },
        sequenceHead: { try SequenceClassificationHead($0, $1) },
        tokenHead: { try TokenClassificationHead($0, $1, dropout: $1.hiddenDropoutProb) })
}
