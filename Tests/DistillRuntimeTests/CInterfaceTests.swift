import CDistill
import DistillC
import DistillRuntime
import Foundation
import Testing
import Tokenizers

/// The functions of `distill.h`, as C calls them.
@Suite("C interface")
struct CInterfaceTests {
    /// Calls a body with an error to set; returns the error's text.
    private func error(_ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Void) -> String? {
        var error: UnsafeMutablePointer<CChar>?
        body(&error)
        defer { distill_free(error) }
        return error.map { String(cString: $0) }
    }

    /// Calls a body with C strings.
    private func withStrings<Result>(
        _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) throws -> Result
    ) rethrows -> Result {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return try copies.map { UnsafePointer($0) }.withUnsafeBufferPointer { try body($0.baseAddress!) }
    }

    @Test("the predictions, logits and labels of the Swift interface")
    func predictions() throws {
        let model = try #require(distill_open(tinyTeacher.path, nil, nil))
        defer { distill_close(model) }
        let classifier = try TextClassifier(tinyTeacher.path)
        let labels = (0..<distill_label_count(model)).map { String(cString: distill_label(model, $0)) }
        #expect(labels == classifier.model.labels)
        #expect(distill_label(model, labels.count) == nil)
        let texts = ["A film to remember.", "awful, terrible \u{1F600}", "so so"]
        let inputs = texts.map { TextPair($0) }
        try withStrings(texts) { strings in
            let lines = try #require(distill_predict(model, strings, nil, 3, nil))
            defer { distill_free(lines) }
            let expected = try classifier.predict(inputs).map { $0.json.serialized() + "\n" }.joined()
            #expect(String(cString: lines) == expected)
            var logits = [Float](repeating: 0, count: 3 * labels.count)
            #expect(distill_logits(model, strings, nil, 3, &logits, nil) == 0)
            #expect(try logits == classifier.logits(inputs))
            let pairs = try #require(distill_predict(model, strings, strings, 3, nil))
            defer { distill_free(pairs) }
            let paired = try classifier.predict(texts.map { TextPair($0, pair: $0) })
            #expect(String(cString: pairs) == paired.map { $0.json.serialized() + "\n" }.joined())
            let none = try #require(distill_predict(model, nil, nil, 0, nil))
            defer { distill_free(none) }
            #expect(String(cString: none).isEmpty)
        }
    }

    @Test("an empty text has a line with an error, and no logits; bytes that are no UTF-8 are an error")
    func texts() throws {
        let model = try #require(distill_open(tinyTeacher.path, nil, nil))
        defer { distill_close(model) }
        try withStrings(["a film", " \t", "a plot"]) { strings in
            let lines = try #require(distill_predict(model, strings, nil, 3, nil))
            defer { distill_free(lines) }
            let parts = String(cString: lines).split(separator: "\n")
            #expect(parts.count == 3 && parts[1] == #"{"error":"text 2 is empty"}"#)
            #expect(parts[0].contains("label") && parts[2].contains("label"))
            var logits = [Float](repeating: 0, count: 3 * distill_label_count(model))
            var status: Int32 = 0
            let reason = error { status = distill_logits(model, strings, nil, 3, &logits, $0) }
            #expect(status == -1 && reason?.contains("text 2") == true)
        }
        let bytes: [CChar] = [0x78, CChar(bitPattern: 0xFF), 0]
        bytes.withUnsafeBufferPointer { text in
            let texts = [text.baseAddress]
            texts.withUnsafeBufferPointer { strings in
                let reason = error { _ = distill_predict(model, strings.baseAddress, nil, 1, $0) }
                #expect(reason?.contains("text 1: the bytes are not UTF-8") == true)
            }
        }
    }

    @Test("options: length, threshold, aggregation; wrong ones are errors")
    func options() throws {
        var options = distill_options()
        options.max_length = 3
        let model = try #require(distill_open(tinyTeacher.path, &options, nil))
        defer { distill_close(model) }
        withStrings(["film", "film to remember for ever"]) { strings in
            var logits = [Float](repeating: 0, count: 2 * distill_label_count(model))
            #expect(distill_logits(model, strings, nil, 2, &logits, nil) == 0)
            #expect(logits.prefix(logits.count / 2) == logits.suffix(logits.count / 2))
        }
        options.max_length = 2
        #expect(error { _ = distill_open(tinyTeacher.path, &options, $0) }?.contains("max_length") == true)
        options = distill_options()
        options.threshold = 3
        #expect(error { _ = distill_open(tinyTeacher.path, &options, $0) }?.contains("threshold") == true)
        options = distill_options()
        "every".withCString { name in
            options.aggregation = name
            #expect(error { _ = distill_open(tinyTeacher.path, &options, $0) }?.contains("'every'") == true)
        }
    }

    @Test("null pointers and missing directories are errors of one line")
    func misuse() throws {
        #expect(error { _ = distill_open(nil, nil, $0) } == "the directory is null")
        #expect(error { _ = distill_open("/nowhere", nil, $0) }?.hasPrefix("/nowhere: ") == true)
        #expect(error { _ = distill_predict(nil, nil, nil, 1, $0) }?.contains("the texts") == false)
        #expect(distill_label_count(nil) == 0 && distill_label(nil, 0) == nil)
        distill_close(nil)
        distill_free(nil)
        let model = try #require(distill_open(tinyTeacher.path, nil, nil))
        defer { distill_close(model) }
        #expect(error { _ = distill_predict(model, nil, nil, 2, $0) } == "texts is null, but count is 2")
        withStrings(["a"]) { strings in
            #expect(error { _ = distill_logits(model, strings, nil, 1, nil, $0) } == "logits is null")
        }
    }
}
