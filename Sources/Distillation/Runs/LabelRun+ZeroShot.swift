import Datasets
import Foundation
import Tokenizers
import Transformers

extension LabelRun {
    /// Labels texts by a model of natural language inference, as transformers' zero-shot pipeline does: for each text and label the
    /// model reads the text and the label's hypothesis. The logits of entailment are those of the labels; for labels that do not
    /// exclude one another, entailment less contradiction is the logit of each.
    struct ZeroShot {
        let teacher: LoadedModel
        let options: ZeroShotOptions
        let classes: EntailmentClasses
        let request: LabelRequest
        let labeler: TeacherInference
        let store: OutputStore
        let maxLength: Int

        /// Pairs of a text and a hypothesis that are computed together.
        private static let pairsAtOnce = 32_768

        struct Counts {
            var (examples, cached, computed) = (0, 0, 0)
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
            let hypotheses = options.labels.map(options.hypothesis)
            let limit = max(1, Self.pairsAtOnce / hypotheses.count)
            var counts = Counts()
            var rows: [TextRow] = []
            func finish() throws -> Bool {
                guard !rows.isEmpty else { return true }
                let done = counts.examples
                guard let result = try outputs(rows, hypotheses, shouldStop, { onProgress(done + $0) }) else {
                    return false
                }
                for (index, row) in rows.enumerated() {
                    try body(row, logits(of: index, in: result.outputs)[...])
                }
                counts.examples += rows.count
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
                if rows.count == limit, try !finish() { return nil }
            }
            return try finish() ? counts : nil
        }

        private func outputs(
            _ rows: [TextRow], _ hypotheses: [String], _ shouldStop: () -> Bool, _ onProgress: (Int) -> Void
        ) throws -> TeacherInference.Result? {
            let pairs = rows.flatMap { row in hypotheses.map { TextPair(row.text, pair: $0) } }
            // The hypothesis stays whole.
            let encoding = try teacher.tokenizer.encodeFlat(
                batch: pairs, maxLength: maxLength, truncation: .onlyFirst)
            let dataset = EncodedDataset(
                inputIDs: encoding.ids, tokenTypeIDs: encoding.typeIDs, offsets: encoding.offsets,
                labels: [Int](repeating: BatchLabels.unlabelled, count: pairs.count), maxLength: maxLength)
            return try labeler.outputs(
                for: dataset, in: store, onProgress: { onProgress($0 / hypotheses.count) },
                shouldStop: shouldStop)
        }

        private func logits(of row: Int, in outputs: any TeacherOutputs) throws -> [Float] {
            let count = options.labels.count
            return try (0..<count).map { label in
                var pair: [Float] = []
                try outputs.appendRow(row * count + label, to: &pair)
                let entailment = pair[classes.entailment]
                return options.isMultiLabel ? entailment - pair[classes.contradiction] : entailment
            }
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
        let classes = try EntailmentClasses(teacher.labels.names, of: teacher.directory.path)
        let writer = try ScoreWriter(
            request, output: output, labels: options.labels,
            task: options.isMultiLabel ? .multiLabel : .singleLabel)
        let (store, identity, precision) = try self.store(teacher, log, processes)
        let memo = DigestMemo(root: request.cache.root)
        let digest = try memo.sha256(ofData: request.data)
        try processes?.requireSame(["the teacher": identity.key, "the data": digest])
        let work = ZeroShot(
            teacher: teacher, options: options, classes: classes, request: request,
            labeler: TeacherInference(
                teacher: teacher, batchSize: request.batchSize, precision: precision, processes: processes),
            store: store, maxLength: teacher.maxLength(request.maxLength))
        let total = try Self.count(request)
        let counts = try log.phase("Zero-shot labels") { () -> ZeroShot.Counts? in
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
