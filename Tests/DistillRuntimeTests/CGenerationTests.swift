import CDistill
import DistillC
import DistillRuntime
import Foundation
import JSON
import Testing

/// The functions of `distill.h` for language models, as C calls them.
@Suite("C interface of language models")
struct CGenerationTests {
    /// What a callback was told.
    private final class Pieces {
        var texts = ["", ""]
        var ended: [Int] = []
        var status: Int32 = 0
    }

    private let callback: distill_piece_callback = { context, prompt, piece, length, isEnd in
        guard let context, let piece else { return 99 }
        let pieces = Unmanaged<Pieces>.fromOpaque(context).takeUnretainedValue()
        let bytes = UnsafeRawBufferPointer(start: piece, count: length)
        pieces.texts[prompt] += String(decoding: bytes, as: UTF8.self)
        if isEnd != 0 { pieces.ended.append(prompt) }
        return pieces.status
    }

    private func withPrompts<Result>(
        _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) throws -> Result
    ) rethrows -> Result {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return try copies.map { UnsafePointer($0) }.withUnsafeBufferPointer { try body($0.baseAddress!) }
    }

    private func error(_ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Void) -> String? {
        var error: UnsafeMutablePointer<CChar>?
        body(&error)
        defer { distill_free(error) }
        return error.map { String(cString: $0) }
    }

    @Test("texts of the Swift interface, in pieces and whole")
    func generation() throws {
        let model = try #require(distill_open(textModel.path, nil, nil))
        defer { distill_close(model) }
        var options = distill_generation_options()
        #expect(distill_generation_defaults(model, &options, nil) == 0)
        #expect(options.max_new_tokens == 48 && options.temperature == 0 && options.chat == 0)
        options.max_new_tokens = 9
        let swift = try LanguageModel(textModel.path)
        var expected = swift.defaults
        expected.maxNewTokens = 9
        let texts = ["Once upon a time", "a"]
        let made = try swift.generate(texts.map { swift.prompt($0) }, expected)
        try withPrompts(texts) { prompts in
            let pieces = Pieces()
            let context = Unmanaged.passUnretained(pieces).toOpaque()
            let lines = try #require(distill_generate(model, prompts, 2, &options, callback, context, nil))
            defer { distill_free(lines) }
            let parsed = try String(cString: lines).split(separator: "\n").map {
                try JSONValue.parse(Array($0.utf8))
            }
            #expect(parsed.map { $0["text"].text } == made.map(\.text))
            #expect(parsed.map { $0["tokens"].intValue } == made.map(\.tokenIDs.count))
            #expect(parsed.map { $0["finish_reason"].text } == made.map(\.finishReason.rawValue))
            #expect(pieces.texts == made.map(\.text) && pieces.ended.sorted() == [0, 1])
            pieces.status = 5
            let reason = error {
                #expect(distill_generate(model, prompts, 2, &options, callback, context, $0) == nil)
            }
            #expect(reason?.contains("ended the generation with 5") == true)
            let whole = try #require(distill_generate(model, prompts, 1, nil, nil, nil, nil))
            distill_free(whole)
        }
    }

    @Test("what is not for a kind of model, and what is no option, is an error")
    func refusals() throws {
        let model = try #require(distill_open(textModel.path, nil, nil))
        defer { distill_close(model) }
        let classifier = try #require(distill_open(tinyTeacher.path, nil, nil))
        defer { distill_close(classifier) }
        withPrompts(["a"]) { prompts in
            let predicts = error { #expect(distill_predict(model, prompts, nil, 1, $0) == nil) }
            #expect(predicts?.contains("distill_generate") == true)
            let generates = error {
                #expect(distill_generate(classifier, prompts, 1, nil, nil, nil, $0) == nil)
            }
            #expect(generates?.contains("no language model") == true)
            var options = distill_generation_options()
            let zeros = error { #expect(distill_generate(model, prompts, 1, &options, nil, nil, $0) == nil) }
            #expect(zeros?.contains("maxNewTokens is 0") == true)
            #expect(distill_generation_defaults(model, &options, nil) == 0)
            options.stop_count = 1
            let stop = error { #expect(distill_generate(model, prompts, 1, &options, nil, nil, $0) == nil) }
            #expect(stop?.contains("stop is null") == true)
            #expect(distill_generation_defaults(model, nil, nil) == -1)
            #expect(distill_generate(model, nil, 1, nil, nil, nil, nil) == nil)
            #expect(distill_generate(nil, prompts, 1, nil, nil, nil, nil) == nil)
        }
        #expect(distill_label_count(model) == 0 && distill_dimension(model) == 0)
        var settings = distill_options()
        settings.max_length = 12
        let refused = error { #expect(distill_open(textModel.path, &settings, $0) == nil) }
        #expect(refused?.contains("max_length") == true)
    }
}
