import Datasets
import Foundation
import Tokenizers
import Transformers

extension LabelRun {
    /// Labels texts by a model that was not trained on the labels, some texts at a time.
    struct ZeroShot {
        let scorer: any ZeroShotScorer
        let request: LabelRequest
        let labeler: TeacherInference
        let store: OutputStore

        struct Counts {
            var (examples, cached, computed, cut) = (0, 0, 0, 0)
        }

        /// - Parameter body: Receives each text with its labels' logits.
        /// - Returns: `nil` where it was stopped.
        func run(
            onProgress: (Int) -> Void, shouldStop: () -> Bool,
            _ body: (TextRow, ArraySlice<Float>) throws -> Void
        ) throws -> Counts? {
            var data = DatasetOptions(textColumn: request.textColumn, delimited: request.delimited)
            data.readsLabels = false
            let stream = try TextStream(request.data, options: data)
            var counts = Counts()
            var rows: [TextRow] = []
            func finish() throws -> Bool {
                guard !rows.isEmpty else { return true }
                let done = counts.examples
                let inputs = try scorer.inputs(rows.map(\.text))
                let result = try labeler.outputs(
                    for: inputs.dataset, in: store,
                    onProgress: { onProgress(done + $0 / scorer.inputsPerText) }, shouldStop: shouldStop)
                guard let result else { return false }
                for (index, row) in rows.enumerated() {
                    try body(row, scorer.logits(of: index, in: result.outputs)[...])
                }
                counts.examples += rows.count
                counts.cut += inputs.cut
                counts.cached += result.cached
                counts.computed += result.computed
                rows = []
                return true
            }
            while let row = try stream.next() {
                guard row.pair == nil else {
                    throw DistillationError(
                        "\(stream.path): the rows have two texts, and --zero-shot reads one; name it with --text-column"
                    )
                }
                guard request.shard?.holds(stream.count - 1) ?? true else { continue }
                rows.append(row)
                if rows.count == scorer.textsAtOnce, try !finish() { return nil }
            }
            return try finish() ? counts : nil
        }
    }

    /// What scores texts by a teacher; `nil` where it is stopped while the labels' vectors are computed.
    private func scorer(
        _ teacher: LoadedModel, _ options: ZeroShotOptions, _ labeler: TeacherInference, _ store: OutputStore,
        _ shouldStop: () -> Bool
    ) throws -> (any ZeroShotScorer)? {
        let maxLength = teacher.maxLength(request.maxLength)
        guard teacher.model.configuration.task.embedsTexts else {
            return try EntailmentScorer(teacher, options, maxLength: maxLength)
        }
        return try VectorScorer(teacher, options, maxLength: maxLength) {
            try labeler.outputs(for: $0, in: store, onProgress: { _ in }, shouldStop: shouldStop)?.outputs
        }
    }

    /// Labels texts without a label of their own, and writes the scores.
    func zeroShot(
        _ options: ZeroShotOptions, _ teacher: LoadedModel, _ log: RunLog, _ processes: Processes?,
        _ shouldStop: () -> Bool
    ) throws -> LabelReport {
        guard let output = request.output else {
            throw DistillationError("--zero-shot writes the scores that it makes; name a file with --output")
        }
        let writer = try ScoreWriter(
            request, output: output, labels: options.labels,
            task: options.isMultiLabel ? .multiLabel : .singleLabel)
        let (store, identity, precision) = try self.store(teacher, log, processes)
        let memo = DigestMemo(root: request.cache.root)
        let digest = try memo.sha256(ofData: request.data)
        try processes?.requireSame(["the teacher": identity.key, "the data": digest])
        let labeler = TeacherInference(
            teacher: teacher, batchSize: request.batchSize, precision: precision, processes: processes)
        let scorer = try scorer(teacher, options, labeler, store, shouldStop)
        let total = try Self.count(request)
        let counts = try log.phase("Zero-shot labels") { () -> ZeroShot.Counts? in
            guard let scorer else { return nil }
            let work = ZeroShot(scorer: scorer, request: request, labeler: labeler, store: store)
            func run(_ line: (TextRow, ArraySlice<Float>) throws -> Void) throws -> ZeroShot.Counts {
                let counts = try work.run(
                    onProgress: { log.progress($0, of: total) }, shouldStop: shouldStop, line)
                guard let counts else { throw InterruptedError("the outputs computed so far are kept") }
                return counts
            }
            var counts: ZeroShot.Counts?
            do {
                if processes.isFirst {
                    try writer.write { counts = try run($0) }
                } else {
                    counts = try run { _, _ in }
                }
            } catch is InterruptedError { return nil }
            return counts
        }
        if let counts,
            let warning = TextLength.warning(
                cut: counts.cut, of: counts.examples, in: request.data.path(percentEncoded: false),
                tokens: teacher.maxLength(request.maxLength))
        {
            log.send(.warning(warning))
        }
        return LabelReport(
            teacher: request.teacher.path, key: identity.key, directory: store.directory?.path ?? "",
            data: DataRecord(
                path: request.data.path(percentEncoded: false), examples: total, sha256: digest),
            shard: request.shard?.description, examples: counts?.examples ?? 0,
            cached: counts.map { $0.cached }, computed: counts.map { $0.computed },
            device: request.device.description, precision: precision, interrupted: counts == nil,
            phases: log.phases, output: counts == nil ? nil : output.path(percentEncoded: false))
    }

    /// The number of texts that are labeled.
    private static func count(_ request: LabelRequest) throws -> Int {
        var options = DatasetOptions(textColumn: request.textColumn, delimited: request.delimited)
        options.readsLabels = false
        let stream = try TextStream(request.data, options: options)
        var count = 0
        while try stream.next() != nil {
            if request.shard?.holds(stream.count - 1) ?? true { count += 1 }
        }
        return count
    }
}
