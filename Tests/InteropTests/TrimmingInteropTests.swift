import Foundation
import JSON
import RegularExpressions
import Testing
import Tokenizers
import Transformers

@testable import Deployment
@testable import Distillation

@Suite("transformers opens trimmed models", .enabled(if: Python.isThere, "run `make test`"))
struct TrimmingInteropTests {
    @Test("the same tokens and logits for text that stays inside, and our ids for any text")
    func trimmed() throws {
        let directory = try TemporaryDirectory()
        let trimmer = try VocabularyTrimmer(directory: Fixtures.teacher)
        let original = try LoadedModel(Fixtures.teacher)
        let inside = ["the awful script", "! delightful story", ", warm camera", "awful, awful: the script!"]
        let others = ["the tedious script", "it's café naïve 日本 🎬", "[MASK] zzz [UNK]", "unheard-of"]
        var used = TokenCounts()
        used.add(try trimmer.tokenizer.encodeFlat(batch: inside))
        let vocabulary = try trimmer.plan(
            used: used, keeping: TrimmedVocabulary.ids(in: original.model.configuration))
        let output = directory.url.appending(path: "trimmed")
        try ModelWriter.save(try vocabulary.apply(to: original.model), to: output)
        try vocabulary.write(to: output)
        let tokenizer = try LoadedModel(output).tokenizer
        let claim: JSONValue = [
            "inside": .array(inside.map(JSONValue.string)), "others": .array(others.map(JSONValue.string)),
            "ids": .array(
                try (inside + others).map { text in
                    .array(try tokenizer.encode(text).ids.map { .integer(Int($0)) })
                }),
        ]
        let file = directory.url.appending(path: "claim.json")
        try claim.serialized().write(to: file, atomically: true, encoding: .utf8)
        let script = Fixtures.folder.appending(path: "trimming.py")
        let result = try Python.run([script.path, Fixtures.teacher.path, output.path, file.path])
        #expect(result.status == 0, "\(result.output)")
    }
}
