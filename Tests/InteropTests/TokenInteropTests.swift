import Foundation
import JSON
import Testing

@testable import Distillation

/// Opens token classifiers of this package with transformers, and asks its pipeline.
@Suite("transformers opens token classifiers", .enabled(if: Python.isThere))
struct TokenInteropTests {
    private static func entity(_ entity: EntityAggregation.Entity) -> JSONValue {
        var fields: JSONObject = [
            "score": .number(Double(entity.score)), "word": .string(entity.word),
            "start": .integer(entity.start),
            "end": .integer(entity.end),
        ]
        fields[entity.index == nil ? "entity_group" : "entity"] = .string(entity.label)
        if let index = entity.index { fields["index"] = .integer(index) }
        return .object(fields)
    }

    /// Fine-tunes a token classifier.
    ///
    /// - Returns: Its directory, and the file that it learned from.
    static func tagger(in place: URL) throws -> (model: URL, data: URL) {
        let data = place.appending(path: "train.conll")
        let sentence =
            "the O\ngreat B-FILM\nstory I-FILM\nwas O\nbrilliant B-VERDICT\n\nthe O\nfilm B-FILM\nwas O\nboring O\n\n"
        try Data(String(repeating: sentence, count: 20).utf8).write(to: data)
        let model = place.appending(path: "model")
        var request = FineTuneRequest(model: Fixtures.teacher, data: DataRequest(train: data), output: model)
        request.cache.directory = place.appending(path: "cache")
        request.training.numTrainEpochs = 8
        request.training.learningRate = 3e-3
        _ = try FineTuningRun(request).run()
        return (model, data)
    }

    @Test("the same entities by all strategies, and no missing or unexpected key")
    func entities() throws {
        let place = try TemporaryDirectory()
        let (model, _) = try Self.tagger(in: place.url)
        let texts = [
            "the great story was brilliant", "The film was boring.", "a GREAT great-story, unbelievably!",
        ]
        var entities = JSONObject()
        for strategy in EntityAggregation.Strategy.allCases {
            let found = try TokenPredictor(model: model, strategy: strategy).predict(texts)
            entities[strategy.rawValue] = .array(found.map { .array($0.map(Self.entity)) })
        }
        let claims: JSONValue = [
            "directory": .string(model.path), "texts": .array(texts.map(JSONValue.string)),
            "entities": .object(entities),
        ]
        let file = place.url.appending(path: "claims.json")
        try Data(claims.serialized().utf8).write(to: file)
        let script = Fixtures.folder.appending(path: "token_interop.py").path
        let result = try Python.run([script, file.path])
        #expect(result.status == 0, "\(result.output)")
    }
}
