import Datasets
import DistillRuntime
import Foundation
import JSON
import TestSupport
import Testing
import Tokenizers
import Transformers

@testable import Distillation

/// Students that learn their teacher's vectors of texts for translations of these too.
@Suite("Translations")
struct TranslationTests {
    /// A file of parallel sentences: translations are the words backwards.
    private func parallel(in folder: URL, _ name: String = "parallel.tsv", count: Int = 24) throws -> URL {
        let lines = (0..<count).map { index in
            let text = "\(EmbeddingFixture.texts[index % 12]) \(EmbeddingFixture.texts[(index * 5 + 1) % 12])"
            let words = text.split(separator: " ")
            // Every third text has one translation alone.
            let second = index % 3 == 0 ? "" : words.dropFirst().joined(separator: " ")
            return "\(text)\t\(words.reversed().joined(separator: " "))\t\(second)"
        }
        return try EmbeddingFixture.write(["en\tde\tfr"] + lines, to: folder.appending(path: name))
    }

    private func columns() -> DataColumns {
        var columns = DataColumns()
        (columns.source, columns.translationColumns) = ("en", ["de", "fr"])
        return columns
    }

    private func request(in folder: URL, teacher: URL) throws -> DistillRequest {
        var request = DistillRequest(
            teacher: teacher, data: DataRequest(train: try parallel(in: folder)),
            output: folder.appending(path: "student"))
        request.data.columns = columns()
        request.data.validation = try parallel(in: folder, "validation.tsv", count: 9)
        request.student.layers = 1
        request.training.numTrainEpochs = 3
        request.training.perDeviceTrainBatchSize = 8
        request.training.learningRate = 2e-3
        request.cache = Support.cache
        return request
    }

    @Test("a student is measured as sentence-transformers measures translations")
    func metrics() throws {
        let fixture = try RetrievalFixture.load().translations
        try withTemporaryDirectory { folder in
            let teacher = try EmbeddingFixture.teacher(in: folder)
            let student = try EmbeddingFixture.teacher(in: folder, "model") {
                SentenceTransformer(pooling: [.max], width: $0, normalizes: true)
            }
            let lines = zip(fixture.sources, fixture.targets).map { "\($0)\t\($1)" }
            var request = EvaluateRequest(
                model: student,
                data: try EmbeddingFixture.write(["en\tde"] + lines, to: folder.appending(path: "pairs.tsv")))
            (request.columns.source, request.columns.translationColumns) = ("en", ["de"])
            (request.teacher, request.cache) = (teacher, Support.cache)
            let found = try EvaluationRun(request).run().model.metrics
            for name in ["src2trg_accuracy", "trg2src_accuracy", "translation_accuracy"] {
                let metric = try #require(MetricName(rawValue: name))
                #expect(try abs(#require(found[metric]) - #require(fixture.metrics[name])) < 1e-9, "\(name)")
            }
            let error = try #require(fixture.metrics["translation_mse"])
            #expect(try abs(#require(found[.translationMSE]) - error) < 1e-4 * error)
            request.columns.translationColumns = ["fr"]
            #expect { try EvaluationRun(request).run() } throws: { "\($0)".contains("no translation in fr") }
        }
    }

    @Test("the teacher reads the texts alone, and both texts and translations come nearer to its vectors")
    func run() throws {
        try withTemporaryDirectory { folder in
            let teacher = try EmbeddingFixture.teacher(in: folder)
            let request = try request(in: folder, teacher: teacher)
            let report = try DistillationRun(request).run()
            // 24 texts with 40 translations, each in a row with its text.
            #expect(report.train.examples == 80 && report.validation.examples == 30)
            let errors = report.epochs.compactMap { $0.validation[.translationMSE] }
            #expect(errors.count == 3 && errors[2] < errors[0])
            #expect(
                report.student.metrics[.translationAccuracy] != nil
                    && report.student.metrics[.spearman] == nil)
            // By the runtime's vectors.
            let rows = try String(contentsOf: #require(request.data.validation), encoding: .utf8)
                .split(separator: "\n").dropFirst().map {
                    $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
                }
            let pairs = rows.flatMap { row in row.dropFirst().filter { !$0.isEmpty }.map { (row[0], $0) } }
            let (own, theirs) = (try TextEmbedder(request.output.path), try TextEmbedder(teacher.path))
            let (a, b) = (try own.embed(pairs.map(\.1)), try theirs.embed(pairs.map(\.0)))
            let mean =
                zip(a, b).reduce(0) { $0 + VectorMetrics.squaredDifference($1.0[...], $1.1[...]) }
                / Double(pairs.count)
            #expect(try abs(100 * mean - #require(report.student.metrics[.translationMSE])) < 1e-4)
        }
    }

    @Test("a student may have a tokenizer of its own, with words that the teacher does not know")
    func otherTokenizer() throws {
        try withTemporaryDirectory { folder in
            let teacher = try EmbeddingFixture.teacher(in: folder)
            // The same encoder, whose vocabulary has other words in place of some.
            let student = folder.appending(path: "polyglot")
            try FileManager.default.copyItem(at: Support.teacher, to: student)
            for name in ["tokenizer.json", "vocab.txt"] {
                let file = student.appending(path: name)
                guard let text = try? String(contentsOf: file, encoding: .utf8) else { continue }
                let renamed =
                    name == "vocab.txt"
                    ? text.replacing("\nfilm\n", with: "\nkino\n")
                    : text.replacing("\"film\":", with: "\"kino\":")
                #expect(renamed != text)
                try Data(renamed.utf8).write(to: file)
            }
            var request = try request(in: folder, teacher: teacher)
            request.student = StudentOptions()
            request.student.directory = student
            let lines = try String(contentsOf: request.data.train, encoding: .utf8).split(separator: "\n")
                .enumerated().map { place, line in
                    let cells = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
                    return place == 0
                        ? String(line)
                        : ([cells[0]] + cells.dropFirst().map { $0.replacing("film", with: "kino") }).joined(
                            separator: "\t")
                }
            _ = try EmbeddingFixture.write(lines, to: request.data.train)
            let report = try DistillationRun(request).run()
            let errors = report.epochs.compactMap { $0.validation[.translationMSE] }
            #expect(errors.count == 3 && errors[2] < errors[0])
            #expect(try TextEmbedder(request.output.path).tokenizer.encode("kino").ids.count == 3)
        }
    }

    @Test("columns that do not fit are refused by their option")
    func refusals() throws {
        try withTemporaryDirectory { folder in
            let teacher = try EmbeddingFixture.teacher(in: folder)
            var request = try request(in: folder, teacher: teacher)
            request.data.columns.source = nil
            #expect { try DistillationRun(request).run() } throws: { "\($0)".contains("--source-column") }
            request.data.columns.source = "de"
            #expect { try DistillationRun(request).run() } throws: { "\($0)".contains("named twice") }
            request.data.columns.source = "en"
            request.data.columns.label = "fr"
            #expect { try DistillationRun(request).run() } throws: { "\($0)".contains("--label-column") }
            request.data.columns.label = nil
            request.objectives = [.init("hidden_mse")]
            #expect { try DistillationRun(request).run() } throws: {
                "\($0)".contains("a translation has other tokens")
            }
            var classifier = DistillRequest(
                teacher: Support.teacher, data: DataRequest(train: request.data.train),
                output: folder.appending(path: "classifier"))
            classifier.data.columns = columns()
            classifier.cache = Support.cache
            #expect { try DistillationRun(classifier).run() } throws: {
                "\($0)".contains("--translation-column")
            }
            var finetune = FineTuneRequest(
                model: Support.teacher, data: DataRequest(train: request.data.train),
                output: folder.appending(path: "tuned"))
            finetune.data.columns = columns()
            finetune.cache = Support.cache
            #expect { try FineTuningRun(finetune).run() } throws: { "\($0)".contains("--translation-column") }
        }
    }
}
