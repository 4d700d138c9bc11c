/// What gives texts the logits of labels that it was not trained on.
protocol ZeroShotScorer {
    /// The texts that are computed together.
    var textsAtOnce: Int { get }
    /// The inputs of the model for one text.
    var inputsPerText: Int { get }

    /// The inputs of the model for some texts, text by text, and the number of texts that are cut.
    func inputs(_ texts: [String]) throws -> (dataset: EncodedDataset, cut: Int)

    /// The labels' logits of a text.
    ///
    /// - Parameters:
    ///   - text: The text's place among those of ``inputs(_:)``.
    ///   - outputs: The model's outputs for these.
    func logits(of text: Int, in outputs: any TeacherOutputs) throws -> [Float]
}
