import DistillRuntime
import Foundation
import TestSupport
import Testing
import Transformers

@testable import Distillation

/// Students for embeddings that learn from several teachers.
@Suite("Several teachers for embeddings")
struct SeveralTeachersTests {
    /// Two teachers of other widths: the second has a dense layer to 12 components.
    private func teachers(in folder: URL) throws -> [TeacherRequest] {
        let first = try EmbeddingFixture.teacher(in: folder, "first")
        let second = try EmbeddingFixture.teacher(in: folder, "second") {
            SentenceTransformer(pooling: [.max], width: $0, normalizes: false).resized(width: $0, outputs: 12)
        }
        return [TeacherRequest(first, weight: 3), TeacherRequest(second)]
    }

    private func request(
        in folder: URL, _ change: (inout DistillRequest) throws -> Void = { _ in }
    ) throws -> DistillRequest {
        let teachers = try teachers(in: folder)
        var request = try EmbeddingFixture.request(in: folder, teacher: teachers[0].directory, texts: 60)
        request.teachers = teachers
        request.student.layers = 1
        request.training.numTrainEpochs = 2
        try change(&request)
        return request
    }

    @Test("their vectors together have the length 1, and the weighted mean of their cosines")
    func joined() throws {
        let first = Logits(values: [3, 4, 0, 1, 0, 0], classes: 3)
        let second = Logits(values: [1, 1, 0, -2], classes: 2)
        let joined = JoinedVectors([(first, 3), (second, 1)])
        let rows = try joined.logits()
        #expect(rows.count == 2 && rows.classes == 5)
        for row in 0..<2 {
            #expect(abs(rows[row].reduce(0) { $0 + $1 * $1 } - 1) < 1e-6)
        }
        let wanted =
            (3 * VectorMetrics.cosine(first[0], first[1]) + VectorMetrics.cosine(second[0], second[1])) / 4
        #expect(abs(VectorMetrics.cosine(rows[0], rows[1]) - wanted) < 1e-6)
        // A vector without length stays one.
        let zero = JoinedVectors([(Logits(values: [0, 0], classes: 2), 1), (second, 1)])
        #expect(try Array(zero.logits()[0].prefix(2)) == [0, 0])
    }

    @Test("a student has as many components as both, and comes nearer to them")
    func run() throws {
        try withTemporaryDirectory { folder in
            let request = try request(in: folder)
            let report = try DistillationRun(request).run()
            let student = try TextEmbedder(request.output.path)
            #expect(student.dimension == 44 && student.files.normalizes)
            let cosines = report.epochs.compactMap { $0.validation[.agreement] }
            #expect(cosines.count == 2 && cosines[1] > cosines[0])
            #expect(try cosines[0] > #require(report.embedding?.initial?[.agreement]))
            #expect(report.settings.teachers?.map(\.weight) == [3, 1])
            // By the runtime's vectors.
            let texts = EmbeddingFixture.texts.indices.flatMap {
                [EmbeddingFixture.texts[$0], EmbeddingFixture.texts[($0 * 5 + 3) % 12]]
            }
            let members = try request.teachers.map { teacher in
                let embedder = try TextEmbedder(teacher.directory.path)
                let values = try embedder.embed(texts).flatMap(\.self)
                return (
                    outputs: Logits(values: values, classes: embedder.dimension) as any TeacherOutputs,
                    weight: teacher.weight
                )
            }
            let wanted = try JoinedVectors(members).logits()
            let own = try student.embed(texts)
            let mean = texts.indices.reduce(0) { $0 + VectorMetrics.cosine(own[$1][...], wanted[$1]) } / 24
            #expect(try abs(mean - #require(report.comparison?.agreement)) < 1e-5)
        }
    }

    @Test("principal components of both are taught, or a matrix leads to them")
    func widths() throws {
        try withTemporaryDirectory { folder in
            var request = try request(in: folder) {
                ($0.student.pca, $0.student.embeddingSize) = (true, 8)
            }
            var report = try DistillationRun(request).run()
            #expect(try TextEmbedder(request.output.path).dimension == 8)
            #expect(report.comparison?.agreement ?? 0 > 0 && report.embedding?.components == 8)
            request.student = StudentOptions()
            (request.student.layers, request.student.projection) = (1, .drop)
            request.output = folder.appending(path: "dropped")
            report = try DistillationRun(request).run()
            #expect(try TextEmbedder(request.output.path).dimension == 32)
            #expect(report.comparison?.agreement == nil && report.embedding?.components == 32)
        }
    }

    @Test("what several teachers for embeddings cannot have is refused")
    func refusals() throws {
        try withTemporaryDirectory { folder in
            var request = try request(in: folder) { $0.combination = .logits }
            #expect { try DistillationRun(request).run() } throws: {
                "\($0)".contains("--teacher-combination")
            }
            request.combination = .probabilities
            request.objectives = [.init("hidden_mse")]
            #expect { try DistillationRun(request).run() } throws: { "\($0)".contains("several teachers") }
            request.objectives = []
            request.teachers[1].directory = Support.teacher
            #expect { try DistillationRun(request).run() } throws: { "\($0)".contains("the same task") }
        }
    }
}
