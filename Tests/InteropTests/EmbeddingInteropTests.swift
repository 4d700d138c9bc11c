import Deployment
import DistillRuntime
import Exporters
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
                // A static table reads all of a text.
                "max_length": embedder.maxLength.map(JSONValue.integer) ?? .null,
            ])
        }
        try student("plain") { _ in }
        try student("narrow") { $0.student.hiddenSize = 16 }
        try student("components") { ($0.student.pca, $0.student.embeddingSize) = (true, 8) }
        // sentence-transformers computes with a float16 table in float16, by 3e-4 apart.
        var table = StaticOptions()
        (table.tableType, table.tokenWeights) = (.float32, true)
        for projection in [nil, VectorProjection.keep] {
            try student("static \(projection?.rawValue ?? "")") {
                $0.student = StudentOptions()
                ($0.student.table, $0.student.embeddingSize) = (table, 8)
                $0.student.projection = projection
            }
        }
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

    @Test(
        "ONNX Runtime gives the vectors of an export, in float32 and float16, with the modules that are exported",
        .enabled(if: Onnx.isThere), arguments: [PoolingMode.cls, .mean, .meanSqrtLength, .weightedMean])
    func onnx(mode: PoolingMode) throws {
        let place = try TemporaryDirectory()
        let directory = place.url.appending(path: "model")
        // A dense layer with fewer components, and a normalization.
        let (model, _) = try AutoModel.loadEmbedding(
            from: Fixtures.teacher,
            modules: { _, width in
                SentenceTransformer(pooling: [mode], width: width, normalizes: true).resized(
                    width: width, outputs: 12)
            })
        try ModelWriter.save(model, to: directory)
        try OutputDirectory.copyTokenizer(from: Fixtures.teacher, to: directory)
        for dtype in [ExportDType.float32, .float16] {
            var request = ExportRequest(model: directory, output: place.url.appending(path: dtype.rawValue))
            (request.python, request.dtype) = (Onnx.python, dtype)
            let check = try #require(try ExportRun(request).run().check)
            #expect(check.largestDifference < (dtype == .float32 ? 1e-5 : 0.02))
        }
        var request = ExportRequest(model: directory, output: place.url.appending(path: "copy"))
        (request.format, request.dtype) = ("safetensors", .float32)
        _ = try ExportRun(request).run()
        let texts = ["the great story was brilliant", "boring"]
        #expect(
            try TextEmbedder(request.output.path).embed(texts) == TextEmbedder(directory.path).embed(texts))
    }

    @Test("what is not exported is refused by name")
    func exportRefusals() throws {
        let place = try TemporaryDirectory()
        let directory = place.url.appending(path: "model")
        let (model, _) = try AutoModel.loadEmbedding(
            from: Fixtures.teacher,
            modules: { _, width in SentenceTransformer(pooling: [.max], width: width, normalizes: true) })
        try ModelWriter.save(model, to: directory)
        try OutputDirectory.copyTokenizer(from: Fixtures.teacher, to: directory)
        var request = ExportRequest(model: directory, output: place.url.appending(path: "out"))
        #expect { try ExportRun(request).run() } throws: { "\($0)".contains("the pooling max") }
        request.format = "coreml"
        #expect { try ExportRun(request).run() } throws: { "\($0)".contains("the pooling max") }
    }
}
