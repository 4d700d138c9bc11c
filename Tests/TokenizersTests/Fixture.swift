import Files
import Foundation
import JSON
import RegularExpressions
import Testing

@testable import Tokenizers

/// What scripts/fixtures/wordpiece.py has written, and helpers to use it.
enum Fixture {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")
    static let small = directory.appending(path: "small")

    /// The small tokenizer: lower-casing WordPiece of some 4,000 tokens.
    static let tokenizer: Tokenizer = {
        do { return try Tokenizer.load(directory: small) } catch { preconditionFailure("\(error)") }
    }()

    static func json(_ name: String) throws -> JSONValue {
        try JSONValue.load(contentsOf: directory.appending(path: name))
    }

    /// The small tokenizer with changes to its tokenizer.json.
    static func tokenizer(changing change: (inout JSONObject) -> Void) throws -> Tokenizer {
        var file = try #require(json("small/tokenizer.json").objectValue)
        change(&file)
        let parts = try TokenizerParts(StageConfiguration(file: "tokenizer.json", value: .object(file)))
        let noOtherFiles = directory.appending(path: "none")
        return try Tokenizer(parts, TokenizerSettings(directory: noOtherFiles), file: "tokenizer.json")
    }

    /// Calls the body with a directory that holds the files, which is removed afterwards.
    static func withDirectory<Result>(_ files: [String: String], _ body: (URL) throws -> Result) throws
        -> Result
    {
        let url = FileManager.default.temporaryDirectory.appending(path: "tokenizers-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        for (name, content) in files { try Data(content.utf8).write(to: url.appending(path: name)) }
        return try body(url)
    }

    /// The small tokenizer's tokens, in the order of their ids, as a vocab.txt.
    static var vocabularyText: String {
        (0..<Int32(tokenizer.vocabularySize)).map { (tokenizer.idToToken($0) ?? "") + "\n" }.joined()
    }
}

extension StageConfiguration {
    /// Reads the value of a whole file, for the full program.
    init(file: String, value: JSONValue) throws {
        try self.init(file: file, value: value, expressions: ICURegularExpressions())
    }
}

extension JSONValue {
    subscript(key: String) -> JSONValue { objectValue?[key] ?? .null }
    subscript(index: Int) -> JSONValue {
        guard let array = arrayValue, array.indices.contains(index) else { return .null }
        return array[index]
    }

    /// The elements of an array.
    var elements: [JSONValue] { arrayValue ?? [] }
    /// The text of a string.
    var text: String { stringValue ?? "" }
    /// The numbers of an array.
    var numbers: [Int32] { elements.map { $0.intValue.flatMap(Int32.init(exactly:)) ?? -1 } }
    /// An encoding written as ids, type ids, attention mask and special tokens mask, starting at an index.
    func encoding(at index: Int) -> Encoding {
        Encoding(
            ids: self[index].numbers, typeIDs: self[index + 1].numbers,
            attentionMask: self[index + 2].numbers,
            specialTokensMask: self[index + 3].numbers)
    }
}

extension JSONObject {
    /// Changes a value inside an object inside this one.
    mutating func set(_ key: String, _ inner: String, to value: JSONValue?) {
        var object = self[key]?.objectValue ?? [:]
        object[inner] = value
        self[key] = .object(object)
    }
}
