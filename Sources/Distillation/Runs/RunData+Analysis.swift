import Datasets
import Reports

extension RunData {
    /// Analyzes a model's predictions for the validation data, with the texts of some examples.
    ///
    /// - Parameters:
    ///   - student: The model's logits.
    ///   - teacher: The teacher's.
    ///   - request: The request by which the data was read.
    ///   - cache: The cache of the files' digests.
    ///   - limit: The maximum number of examples in each list; 0 keeps all texts out.
    ///   - log: Receives a note where there are no texts.
    func analysis(
        student: Logits, teacher: Logits?, request: DataRequest, cache: CacheOptions, limit: Int, log: RunLog
    ) -> PredictionAnalysis {
        var analysis = PredictionAnalysis(
            student: student, teacher: teacher, targets: validation.targets, labels: labels.names,
            data: validationRecord.path, rows: (0..<validation.count).map { validation.row(of: $0) },
            limit: limit)
        guard limit > 0 else { return analysis }
        var options = request.columns.options
        options.labelForm = problemType.definition.labelForm
        // A split of the training data may lie among unlabeled examples.
        options.allowsUnlabeled = request.validation == nil && teacher != nil
        let problem = ExampleTexts.fill(
            &analysis, from: request.validation ?? request.train, sha256: validationRecord.sha256,
            options: options, memo: DigestMemo(root: cache.data ? cache.root : nil))
        if let problem { log.warnOnce(problem) }
        return analysis
    }
}
