import Datasets
import Foundation
import TestSupport
import Testing
import Transformers

@testable import Distillation

/// What is told of runs for embeddings before and after them: lengths, widths, cut texts, labels, and what a student is measured against.
@Suite("Findings about embeddings")
struct EmbeddingFindingTests {
    private func request(
        in folder: URL, teacher: URL? = nil, _ change: (inout DistillRequest) throws -> Void = { _ in }
    ) throws -> DistillRequest {
        var request = DistillRequest(
            teacher: try teacher ?? EmbeddingFixture.teacher(in: folder),
            data: DataRequest(train: try EmbeddingFixture.plain(in: folder, count: 60)),
            output: folder.appending(path: "student"))
        request.data.validation = try EmbeddingFixture.pairs(in: folder)
        request.student.layers = 1
        request.training.numTrainEpochs = 1
        request.training.perDeviceTrainBatchSize = 8
        request.cache = Support.cache
        try change(&request)
        return request
    }

    private func findings(_ request: DistillRequest) throws -> [Finding] {
        try DistillationRun.check(request)
    }

    @Test("vectors with and without the length 1 are told apart, and losses on lengths are warned about")
    func lengths() throws {
        try withTemporaryDirectory { folder in
            let student = try EmbeddingFixture.teacher(in: folder, "plain") {
                SentenceTransformer(pooling: [.mean], width: $0, normalizes: false)
            }
            var request = try request(in: folder) {
                $0.student = StudentOptions()
                $0.student.directory = student
            }
            func said(_ severity: Finding.Severity, _ text: String) throws -> Bool {
                try findings(request).contains { $0.severity == severity && $0.message.contains(text) }
            }
            #expect(try said(.note, "the student's are not: compare the student's by the cosine"))
            request.objectives = [.init("sentence_mse")]
            #expect(try said(.warning, "sentence_mse then teaches lengths before directions"))
            request.teachers = [TeacherRequest(student)]
            request.student.directory = try EmbeddingFixture.teacher(in: folder, "unit")
            #expect(try said(.warning, "the teacher's are not: sentence_mse cannot become small"))
            request.objectives = []
            #expect(try !findings(request).contains { $0.message.contains("divided by their length") })
        }
    }

    @Test("widths that differ are told with what becomes of them, and are in the report")
    func widths() throws {
        try withTemporaryDirectory { folder in
            let request = try request(in: folder) { $0.student.hiddenSize = 16 }
            let kept = try DistillationRun(request).run()
            #expect(
                kept.embedding?.findings.contains {
                    $0.message.contains("16 components, the teacher's vectors 32: a dense layer")
                } == true)
            // The teacher cut to the student's width.
            #expect(kept.embedding?.components == 16)
            var dropped = request
            dropped.output = folder.appending(path: "dropped")
            dropped.student.projection = .drop
            let report = try DistillationRun(dropped).run()
            #expect(
                report.embedding?.findings.contains {
                    $0.message.contains("a matrix that is used in training alone")
                }
                    == true)
            try Self.expectSame(report.embedding?.principalComponents, kept.embedding?.principalComponents)
            let page = try String(contentsOf: dropped.output.appending(path: "report.html"), encoding: .utf8)
            #expect(page.contains("16 principal components") && page.contains("before training"))
        }
    }

    @Test("the report has the student before training, and the principal components' own correlation")
    func measures() throws {
        try withTemporaryDirectory { folder in
            let request = try request(in: folder) {
                $0.student.hiddenSize = 16
                // So few texts are learned by heart without it.
                $0.student.dropout = 0.1
                $0.precision = .float32
            }
            let report = try DistillationRun(request).run()
            let record = try #require(report.embedding)
            // The student as it is built, evaluated by itself.
            let teacher = try LoadedModel(request.teacher)
            let log = try RunLog({ _ in })
            let loader = Support.cache.loader(
                DatasetOptions(), tokenizer: teacher.tokenizer, directory: teacher.directory,
                maxLength: teacher.maxLength(nil), log: log)
            func data(_ file: URL) throws -> EncodedDataset {
                try loader.load(
                    file, labels: .given(LabelMap(names: [])), problemType: .embedding, allowsUnlabeled: true
                ).dataset
            }
            let (train, validation) = (
                try data(request.data.train), try data(#require(request.data.validation))
            )
            let student = try StudentBuilder(
                options: request.student, teacher: teacher, seed: 42, device: .cpu,
                projection: TeacherProjection(train)
            ).build().model
            let wanted = try Evaluator.validation(
                Inference.allLogits(student, validation, batchSize: 64), targets: validation.targets)
            #expect(record.initial?[.spearman] == wanted[.spearman])
            let trained = try #require(report.comparison?.agreement)
            #expect(try trained > #require(record.initial?[.agreement]))
            #expect(trained == report.epochs.compactMap { $0.validation[.agreement] }.max())
            // Cosines of projected vectors of the teacher.
            let components = try PrincipalComponents(
                fitting: Inference.allLogits(teacher.model, train, batchSize: 64), count: 16, normalizes: true
            )
            let projected = try ProjectedOutputs(
                base: Inference.allLogits(teacher.model, validation, batchSize: 64), components: components
            ).logits()
            let own = try Evaluator.validation(projected, targets: validation.targets)
            // Our kernels give a text the same bits in any batch. libtorch's do not, and these texts' vectors are so alike that what is left
            // of them without their mean is mostly rounding.
            if ProcessInfo.processInfo.environment["DISTILL_CPU_CAPABILITY"] != "libtorch" {
                try Self.expectSame(record.principalComponents, own)
            }
        }
    }

    /// The same vectors but for rounding, which libtorch's products have otherwise in other batches, and which may order two cosines
    /// that are nearly equal otherwise.
    private static func expectSame(_ found: MetricValues?, _ wanted: MetricValues?) throws {
        let (found, wanted) = (try #require(found), try #require(wanted))
        #expect(found.names == wanted.names && found[.pearson] != nil)
        #expect(try abs(#require(found[.pearson]) - #require(wanted[.pearson])) < 1e-6)
        #expect(try abs(#require(found[.spearman]) - #require(wanted[.spearman])) < 0.01)
    }

    @Test("texts that are cut are counted one by one, with the tokens that are lost")
    func cut() throws {
        try withTemporaryDirectory { folder in
            let long = "a wonderful film and a dull story of the year"
            let file = try EmbeddingFixture.write(
                ["sentence1,sentence2"] + (0..<10).map { _ in "\(long),good" },
                to: folder.appending(path: "long.csv"))
            let request = try request(in: folder) {
                $0.data.train = file
                $0.data.maxLength = 8
            }
            // 22 tokens, of which 8 are read, and 6.
            let tokenizer = try LoadedModel(request.teacher).tokenizer
            #expect(try [long, "good"].map { try tokenizer.encode($0).ids.count } == [22, 6])
            let wanted =
                "10 of 20 training texts are cut at 8 tokens; their median length is 22, the longest has 22. 140 of all 280 tokens (50.0 %) "
                + "are not read."
            let found = try findings(request)
            #expect(
                found.contains { $0.severity == .warning && $0.message.hasPrefix(wanted) }, "\(found)")
            let report = try DistillationRun(request).run()
            #expect(report.embedding?.findings.contains { $0.message.hasPrefix(wanted) } == true)
        }
    }

    /// Files of pairs with labels, and whether these are scores.
    static let labels: [(header: String, labels: [String], areScores: Bool, note: String?)] = [
        ("premise,hypothesis,label", ["0", "1", "2"], false, "natural language inference"),
        ("premise,hypothesis,label", ["0", "1", "1"], false, "natural language inference"),
        ("sentence1,sentence2,label", ["0", "1", "2"], false, "natural language inference"),
        ("sentence1,sentence2,label", ["-1", "0", "2"], false, "natural language inference"),
        ("sentence1,sentence2,label", ["0", "1", "1"], true, "1 is taken for alike"),
        ("sentence1,sentence2,score", ["0", "1", "2"], true, nil),
        ("sentence1,sentence2,label", ["0", "2", "5"], true, nil),
        ("sentence1,sentence2,label", ["0.0", "1.5", "2"], true, nil),
        ("sentence1,sentence2,label", ["entailment", "neutral", "neutral"], false, "no numbers"),
    ]

    @Test("classes of natural language inference are not taken for scores", arguments: labels.indices)
    func inference(number: Int) throws {
        let (header, labels, areScores, note) = Self.labels[number]
        try withTemporaryDirectory { folder in
            let rows = labels.indices.map {
                "\(EmbeddingFixture.texts[$0]),\(EmbeddingFixture.texts[$0 + 3]),\(labels[$0])"
            }
            let file = try EmbeddingFixture.write([header] + rows, to: folder.appending(path: "pairs.csv"))
            func read(_ options: DatasetOptions) throws -> (reader: EmbeddingReader, scores: [Float]?) {
                var options = options
                options.labelForm = .number
                let reader = try EmbeddingReader(file, options: options, prompt: "")
                return (reader, (try reader.next(100) as? PairChunk)?.scores)
            }
            let (reader, scores) = try read(DatasetOptions())
            #expect((scores != nil) == areScores)
            #expect(
                reader.notes.count == (note == nil ? 0 : 1)
                    && reader.notes.allSatisfy { $0.contains(note ?? "") })
            #expect(try reader.next(100) == nil && !reader.sha256.isEmpty)
            // Whoever names the column means scores.
            let named = DatasetOptions(labelColumn: header.hasSuffix("score") ? "score" : "label")
            guard labels.allSatisfy({ Double($0) != nil }) else {
                #expect(throws: DatasetError.self) { try read(named) }
                return
            }
            #expect(try read(named).scores == labels.compactMap(Float.init))
        }
    }
}
