extension FamilyBuilder {
    static let roberta = FamilyBuilder(
        families: [.roberta, .xlmRoberta, .camembert], encoder: { try EncoderParts(postNorm: $0, $1) },
        sequenceHead: {
            try SequenceClassificationHead(
                $0, $1, inputDropout: $1.classifierDropout ?? $1.hiddenDropoutProb)
        })
}
