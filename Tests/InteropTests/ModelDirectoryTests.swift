import Files
import Foundation
import JSON
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation

/// Directories as transformers 4 and 5 save them, each with one thing changed: what transformers loads is loaded here with
/// the same ids and logits, or refused for a reason that transformers would not dispute.
@Suite("Model directories made by transformers", .enabled(if: Python.isThere))
struct ModelDirectoryTests {
    /// What came of one directory.
    private enum Outcome: String, CaseIterable {
        case alike = "read alike"
        case refusedByBoth = "refused by both"
        case refusedHere = "refused here alone, for a reason that is listed"
        case readHere = "read here alone"
    }

    @Test("each is read as transformers reads it, or refused with a reason")
    func directories() throws {
        let output = try TemporaryDirectory()
        let script = Fixtures.folder.appending(path: "../../scripts/fixtures/model_directories.py")
        let made = try Python.run([script.standardizedFileURL.path, output.url.path])
        try #require(made.status == 0, "\(made.output)")
        let expected = try JSONValue.load(
            contentsOf: output.url.appending(path: "expected.json"), dialect: .python)
        let texts = expected["texts"].elements.map { pair in
            TextPair(pair.elements[0].text, pair: pair.elements.count > 1 ? pair.elements[1].text : nil)
        }
        var counts: [Outcome: Int] = [:]
        for theirs in expected["directories"].elements {
            let directory = output.url.appending(path: theirs["name"].text)
            counts[try compare(directory, theirs, texts), default: 0] += 1
        }
        for outcome in Outcome.allCases { print("\(outcome.rawValue): \(counts[outcome] ?? 0)") }
        #expect(counts[.alike] ?? 0 > 800 && counts[.refusedByBoth] ?? 0 > 100)
    }

    private func compare(_ directory: URL, _ theirs: JSONValue, _ texts: [TextPair]) throws -> Outcome {
        let name = theirs["name"].text
        let answers = theirs["model"]["logits"].elements
        let isRead = !answers.isEmpty && theirs["model"]["missing"].elements.isEmpty
        let ours: LoadedModel
        do { ours = try LoadedModel(directory) } catch {
            let reason = "\(error)"
            #expect(
                !reason.contains("\n") && reason.contains(directory.lastPathComponent), "\(name): \(reason)")
            guard isRead else { return .refusedByBoth }
            let isListed = Self.refusals.contains {
                name.contains($0.directory) && reason.contains($0.reason)
            }
            #expect(isListed, "\(name): transformers reads it, here it is refused: \(reason)")
            return .refusedHere
        }
        guard isRead else {
            // Answers of weights that start at random would be noise.
            #expect(theirs["model"]["missing"].elements.isEmpty, "\(name)")
            return .readHere
        }
        let length = theirs["tokenizer"]["max_length"].intValue
        #expect(ours.tokenizer.modelMaxLength == length, "\(name)")
        let labels = theirs["model"]["labels"].elements
        if labels.allSatisfy({ $0.stringValue != nil }) {
            #expect(ours.labels.names == labels.map(\.text), "\(name)")
        }
        for (index, text) in texts.enumerated() {
            if Self.differences.contains(where: { name.contains($0.directory) && $0.text == index }) {
                continue
            }
            let encoding = try ours.tokenizer.encode(text.text, pair: text.pair)
            let ids = theirs["tokenizer"]["ids"].elements[index].elements.map { Int32($0.intValue ?? -1) }
            guard encoding.ids == ids else {
                Issue.record("\(name): text \(index) has the ids \(encoding.ids), transformers' are \(ids)")
                return .alike
            }
            let input = PackedInput(
                inputIDs: Array(ids.prefix(78)), tokenTypeIDs: Array(encoding.typeIDs.prefix(78)),
                offsets: [0, min(78, ids.count)])
            let logits: [Float] = try withNoGrad { try ours.model(input).logits.array() }
            let wanted = answers[index].elements.map { Float($0.doubleValue ?? .nan) }
            let reach = wanted.reduce(1) { max($0, abs($1)) }
            let isEqual =
                logits.count == wanted.count
                && zip(logits, wanted).allSatisfy { abs($0 - $1) <= 1e-4 * reach }
            guard isEqual else {
                Issue.record("\(name): text \(index) has the logits \(logits), transformers' are \(wanted)")
                return .alike
            }
        }
        return .alike
    }

    /// What is read otherwise here: a part of the directory's name, and the text.
    private static let differences: [(directory: String, text: Int)] = [
        // There the padding token has the padding's position also where it is a token of the text.
        ("xlm-roberta-4~tokenizer_class \"AlbertTokenizerFast\"", 1),
        // There a special token that no vocabulary has becomes one with a new number; here it is text.
        ("added_tokens_decoder {}", 3), ("mpnet-4~without tokenizer.json tokenizer_config.json", 3),
    ]

    /// What is refused here though transformers reads it: a part of the directory's name, and of the reason.
    private static let refusals: [(directory: String, reason: String)] = [
        // There the classes have no names, or one name, of their own.
        ("id2label {\"0\": \"same\"", "two classes have the name"), ("id2label {\"1\"", "must be \"0\" to"),
        ("id2label {\"0\": [\"a\"]", "must hold names"),
        // There a loss is not known, or is of another kind than here.
        ("problem_type", "\"problem_type\""),
        // There these parts are left out without a word, though the weights were trained with them.
        ("position_embedding_type \"relative_key\"", "only \"absolute\" is"),
        ("adapters", "has no such part"),
        ("rope_theta", "has no such part"), ("sliding_window", "has no such part"),
        ("layer_types", "has no such part"),
        ("embedding_size 16", "must be hidden_size"), ("relative_attention true", "has no such part"),
        // There merges are made up where a file has none.
        ("GPT2Tokenizer", "takes byte pair encoding"), ("RobertaTokenizer", "takes byte pair encoding"),
        ("BartTokenizer", "takes byte pair encoding"),
        ("unk_token null", "there is none, and"),
        // There a model with another head is read as a classifier wherever its weights have a classifier's names.
        ("architectures of a masked model", "which has no head that is read"),
        // A pickle can run code.
        ("weights as a pickle alone", "a pickle can run code"),
        // There a tokenizer of five tokens takes the place of the files that are missing.
        ("without tokenizer.json", "has no tokenizer.json"), ("without tokenizer.json", "holds neither"),
    ]
}

extension JSONValue {
    fileprivate subscript(key: String) -> JSONValue { objectValue?[key] ?? .null }
    fileprivate var elements: [JSONValue] { arrayValue ?? [] }
    fileprivate var text: String { stringValue ?? "" }
}
