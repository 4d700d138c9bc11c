import Distillation
import Files
import Foundation
import Generation
import JSON
import Torch
import Transformers

/// The finished answers of a run, beside its output, so that a run that ended early goes on with the prompts that are left.
///
/// An answer depends on model, options, prompt and the prompt's number alone: the output of a run that was continued has the bytes of
/// one that was not. The first line says what the run is; each other one is an answer.
final class AnswerJournal {
    /// The answers that the file holds, by the prompt's number.
    private(set) var answers: [Int: GeneratedText] = [:]
    private let url: URL
    /// The file, as messages name it.
    var place: String { url.path }
    private let file: AppendedFile

    /// The file beside an output.
    static func url(of output: URL) -> URL {
        output.deletingLastPathComponent().appending(path: output.lastPathComponent + ".partial")
    }

    /// Opens the journal of an output.
    ///
    /// - Parameters:
    ///   - identity: What answers depend on, by what it is called in messages.
    ///   - prompts: The number of prompts.
    ///   - replaces: True to begin again where the file is another run's.
    /// - Throws: `GenerationError` where the file is another run's or not a journal; `FileError`.
    init(output: URL, identity: [(name: String, value: String)], prompts: Int, replaces: Bool) throws {
        url = Self.url(of: output)
        let first = Self.header(identity)
        if let bytes = try Self.contents(url) {
            do {
                answers = try Self.read(bytes, identity, prompts, url)
            } catch let error as GenerationError {
                guard replaces else { throw error }
                answers = [:]
            }
        }
        // Anew where nothing fits, and without a line that was cut off.
        try AtomicFile.write(
            ([first] + answers.sorted { $0.key < $1.key }.map { Self.line($0.key, $0.value) }).joined(),
            to: url)
        file = try AppendedFile(url)
    }

    /// Keeps an answer.
    func add(_ answer: GeneratedText, to prompt: Int) throws {
        answers[prompt] = answer
        try file.append(Array(Self.line(prompt, answer).utf8))
    }

    /// Removes the file: the output has the answers.
    func remove() { try? FileManager.default.removeItem(at: url) }
}

extension AnswerJournal {
    private static func contents(_ url: URL) throws -> [UInt8]? {
        guard FileManager.default.fileExists(atPath: url.path) else { return nil }
        do { return try Array(Data(contentsOf: url)) } catch {
            throw GenerationError("\(url.path): cannot be read; remove it to begin again")
        }
    }

    private static func header(_ identity: [(name: String, value: String)]) -> String {
        let object = identity.reduce(into: JSONObject()) { $0[$1.name] = .string($1.value) }
        return JSONValue.object(["answers of": .object(object)]).serialized() + "\n"
    }

    private static func line(_ prompt: Int, _ answer: GeneratedText) -> String {
        let object: JSONObject = [
            "prompt": .integer(prompt), "text": .string(answer.text),
            "token_ids": .array(answer.tokenIDs.map { .integer(Int($0)) }),
            "finish_reason": .string(answer.finishReason.rawValue),
        ]
        return JSONValue.object(object).serialized() + "\n"
    }

    private static func read(
        _ bytes: [UInt8], _ identity: [(name: String, value: String)], _ prompts: Int, _ url: URL
    ) throws -> [Int: GeneratedText] {
        // What follows the last line break was being written when the run ended.
        let lines = bytes[..<((bytes.lastIndex(of: 10) ?? -1) + 1)].split(separator: 10)
        func damaged(_ number: Int) -> GenerationError {
            GenerationError(
                "\(url.path): line \(number) is none of a run that ended early; remove the file to begin again"
            )
        }
        func object(_ line: ArraySlice<UInt8>) -> JSONObject? {
            (try? JSONValue.parse(Array(line)))?.objectValue
        }
        guard let first = lines.first, lines.count > 1 else { return [:] }
        guard let known = object(first)?["answers of"]?.objectValue else { throw damaged(1) }
        let others = identity.filter { known[$0.name]?.stringValue != $0.value }.map(\.name)
        guard others.isEmpty else {
            throw GenerationError(
                "\(url.path): holds \(lines.count - 1) answers of a run with \(others.joined(separator: ", ")) other than now; give what it "
                    + "had to go on with it, or pass --overwrite to begin again")
        }
        var answers: [Int: GeneratedText] = [:]
        for (index, line) in lines.enumerated().dropFirst() {
            guard let object = object(line), let prompt = object["prompt"]?.intValue,
                (0..<prompts).contains(prompt),
                let text = object["text"]?.stringValue,
                let ids = object["token_ids"]?.arrayValue?.compactMap({
                    $0.intValue.flatMap(Int32.init(exactly:))
                }),
                let reason = object["finish_reason"]?.stringValue.flatMap(
                    GeneratedText.FinishReason.init(rawValue:))
            else { throw damaged(index + 1) }
            answers[prompt] = GeneratedText(
                text: text, tokenIDs: ids, logProbabilities: nil, finishReason: reason)
        }
        return answers
    }
}

extension AnswerRequest {
    /// What the answers to prompts depend on, by what it is called in messages.
    func identity(_ prompts: [[Int32]], _ options: GenerationOptions) throws -> [(
        name: String, value: String
    )] {
        let model = try ModelDigest.model(self.model, memo: DigestMemo(root: CacheOptions().root))
        var bytes: [UInt8] = []
        for prompt in prompts {
            for number in [Int32(prompt.count)] + prompt {
                withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
            }
        }
        let part = shard.map { [(name: "the shard", value: $0.description)] } ?? []
        return part + [
            ("the model", model.map { "\($0.name) \($0.sha256)" }.joined(separator: ", ")),
            ("prompts", Digest.sha256(bytes)),
            ("options", "\(options)"),
            ("the weights' form", weights.map(\.rawValue) ?? precision.resolved(on: device).rawValue),
            ("the device", device.kind.rawValue),
            ("the processor's instruction set", PackedKernels.instructionSet),
        ]
    }
}
