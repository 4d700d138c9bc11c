import Deployment
import DistillRuntime
import Exporters
import Foundation
import JSON
import Quantization
import Testing
import Tokenizers
import Transformers

@testable import Distillation

/// Opens cross-encoders with sentence-transformers, and int8 and ONNX of them here.
@Suite("sentence-transformers opens cross-encoders", .enabled(if: Python.isThere))
struct CrossEncoderInteropTests {
    private static let pairs = [
        ("the great story", "the film was brilliant"), ("a dull film", "boring"),
        ("brilliant", "the year of a film"),
    ]

    private static func data(in place: URL) throws -> URL {
        let file = place.appending(path: "triples.csv")
        let words = ["great", "dull", "brilliant", "boring"]
        let lines = (0..<24).map {
            "the \(words[$0 % 4]) story,a \(words[$0 % 4]) film,the \(words[($0 + 1) % 4]) year"
        }
        try Data((["query,positive,negative"] + lines).joined(separator: "\n").utf8).write(to: file)
        return file
    }

    private static func ranker(in place: URL, _ activation: ScoreActivation?) throws -> URL {
        var data = DataRequest(train: try data(in: place))
        data.problemType = .ranking
        var request = FineTuneRequest(
            model: Fixtures.teacher, data: data,
            output: place.appending(path: activation?.rawValue ?? "plain"))
        request.cache.directory = place.appending(path: "cache")
        (request.ignoreMismatchedSizes, request.scoreActivation) = (true, activation)
        request.training.numTrainEpochs = 1
        _ = try FineTuningRun(request).run()
        return request.output
    }

    @Test("its scores are ours, with both activations")
    func scores() throws {
        let place = try TemporaryDirectory()
        let claims = try [nil, ScoreActivation.sigmoid].map { activation -> JSONValue in
            let directory = try Self.ranker(in: place.url, activation)
            let scores = try TextClassifier(directory.path).predict(Self.pairs.map { TextPair($0, pair: $1) })
            return [
                "directory": .string(directory.path),
                "pairs": .array(Self.pairs.map { .array([.string($0), .string($1)]) }),
                "scores": .array(scores.map { .number($0.score ?? .nan) }),
                "activation": .string(activation == nil ? "Identity" : "Sigmoid"),
            ]
        }
        let file = place.url.appending(path: "claims.json")
        try Data(JSONValue.array(claims).serialized().utf8).write(to: file)
        let script = Fixtures.folder.appending(path: "embedding_interop.py").path
        let result = try Python.run([script, file.path])
        #expect(result.status == 0, "\(result.output)")
    }

    @Test("ONNX of a cross-encoder gives its logits", .enabled(if: Onnx.isThere))
    func onnx() throws {
        let place = try TemporaryDirectory()
        let directory = try Self.ranker(in: place.url, nil)
        var request = ExportRequest(model: directory, output: place.url.appending(path: "onnx"))
        request.python = Onnx.python
        let check = try #require(try ExportRun(request).run().check)
        #expect(check.largestDifference < 1e-5)
    }
}
