extension FamilyBuilder {
    static let electra = FamilyBuilder(
        families: [.electra], encoder: { try EncoderParts(postNorm: $0, $1) },
        sequenceHead: {
            try SequenceClassificationHead(
                $0, $1, inputDropout: $1.classifierDropout ?? $1.hiddenDropoutProb)
        })
}
