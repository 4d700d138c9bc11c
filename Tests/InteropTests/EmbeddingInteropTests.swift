import DistillRuntime
import Foundation
import JSON
import Testing
import Transformers

@testable import Distillation

/// Opens students for embeddings with sentence-transformers.
@Suite("sentence-transformers opens students", .enabled(if: Python.isThere))
struct EmbeddingInteropTests {
    private static func teacher(in place: URL) throws -> URL {
        let directory = place.appending(path: "teacher")
        let (model, _) = try AutoModel.loadEmbedding(
            from: Fixtures.teacher,
            modules: { _, width in SentenceTransformer(pooling: [.mean], width: width, normalizes: true) })
        try ModelWriter.save(model, to: directory)
        try OutputDirectory.copyTokenizer(from: Fixtures.teacher, to: directory)
        return directory
    }

    @Test("its vectors are ours, with every pooling, dense layers, and vectors by principal components")
    func vectors() throws {
        let place = try TemporaryDirectory()
        let teacher = try Self.teacher(in: place.url)
        let texts = [
            "the great story was brilliant", "the film was boring", "a dull film", "brilliant",
            "the year of a film",
        ]
        let data = place.url.appending(path: "texts.csv")
        let lines = (0..<60).map { "\(texts[$0 % 5]) \(texts[($0 * 3 + 1) % 5])" }
        try Data((["text"] + lines).joined(separator: "\n").utf8).write(to: data)
        var claims: [JSONValue] = []
        func student(_ name: String, _ change: (inout DistillRequest) -> Void) throws {
            var request = DistillRequest(
                teacher: teacher, data: DataRequest(train: data), output: place.url.appending(path: name))
            request.cache.directory = place.url.appending(path: "cache")
            request.student.layers = 1
            request.training.numTrainEpochs = 1
            change(&request)
            _ = try DistillationRun(request).run()
            let embedder = try TextEmbedder(request.output.path)
            claims.append([
                "directory": .string(request.output.path), "texts": .array(texts.map(JSONValue.string)),
                "vectors": .array(
                    try embedder.embed(texts).map { .array($0.map { .number(Double($0)) }) }),
                "max_length": .integer(try #require(embedder.maxLength)),
            ])
        }
        try student("plain") { _ in }
        try student("narrow") { $0.student.hiddenSize = 16 }
        try student("components") { ($0.student.pca, $0.student.embeddingSize) = (true, 8) }
        for mode in PoolingMode.allCases {
            try student(mode.rawValue) {
                $0.student = StudentOptions()
                ($0.student.directory, $0.student.pooling) = (Fixtures.teacher, mode)
            }
        }
        let file = place.url.appending(path: "claims.json")
        try Data(JSONValue.array(claims).serialized().utf8).write(to: file)
        let script = Fixtures.folder.appending(path: "embedding_interop.py").path
        let result = try Python.run([script, file.path])
        #expect(result.status == 0, "\(result.output)")
    }
}
