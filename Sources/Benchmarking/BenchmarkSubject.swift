import Datasets
import Distillation
import Files
import Foundation
import RegularExpressions
import Safetensors
import Tokenizers
import Transformers

/// A model that is measured, as far as its files describe it without loading it.
struct BenchmarkSubject {
    enum Kind: Sendable {
        /// A model directory, loaded by this program.
        case ours
        /// An ONNX file, loaded by ONNX Runtime.
        case onnx
    }

    /// The name that distinguishes it in tables.
    var name: String
    let kind: Kind
    /// The path that the worker loads: the directory, or the `.onnx` file.
    let path: URL
    /// The directory with `config.json` and the tokenizer's files.
    let directory: URL
    /// `nil` for an ONNX file without `config.json`.
    let configuration: ModelConfiguration?
    /// The weights' bytes on disk.
    let weightBytes: Int
    /// Of another model, where this one has none.
    var tokenizer: Tokenizer?
    /// The directory that the tokenizer is from.
    var tokenizerDirectory: URL?

    /// Looks at a model's files.
    ///
    /// - Throws: `DistillationError` or `TransformersError`, which name the file.
    init(_ url: URL) throws {
        let path = url.path(percentEncoded: false)
        var isDirectory: ObjCBool = false
        if AutoModel.isGGUF(url) { try LoadedModel.requireClassifier(url) }
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw DistillationError(
                "\(path): no such file or directory; give a model directory or an .onnx file")
        }
        if isDirectory.boolValue {
            directory = url
            let onnx = Self.onnxFile(in: url)
            let hasWeights = Self.files(in: url).contains { $0.pathExtension == "safetensors" }
            kind = onnx != nil && !hasWeights ? .onnx : .ours
            self.path = kind == .onnx ? onnx ?? url : url
        } else {
            guard url.pathExtension == "onnx" else {
                throw DistillationError(
                    "\(path): is neither a directory nor an .onnx file; give one of these")
            }
            directory = url.deletingLastPathComponent()
            kind = .onnx
            self.path = url
        }
        let hasConfiguration = Self.isThere(directory.appending(path: "config.json"))
        configuration =
            kind == .ours || hasConfiguration ? try ModelConfiguration(contentsOf: directory) : nil
        if kind == .ours {
            try LoadedModel.requireClassifier(directory)
            try LoadedModel.requireNoEmbeddings(directory)
        }
        weightBytes =
            kind == .ours ? SafetensorsCheckpoint.weightBytes(in: directory) : Self.onnxBytes(self.path)
        if kind == .ours || Self.hasTokenizer(directory) {
            tokenizer =
                if let configuration { try Tokenizer.load(for: configuration, in: directory) } else {
                    try Tokenizer.load(directory: directory)
                }
            tokenizerDirectory = directory
        }
        name =
            kind == .onnx && !isDirectory.boolValue
            ? url.lastPathComponent : url.standardizedFileURL.lastPathComponent
    }

    /// The `.onnx` file of a directory: `model.onnx`, or the only one.
    private static func onnxFile(in directory: URL) -> URL? {
        let files = files(in: directory).filter { $0.pathExtension == "onnx" }
        return files.first { $0.lastPathComponent == "model.onnx" } ?? (files.count == 1 ? files[0] : nil)
    }

    /// The bytes of an ONNX file and of the files beside it that hold its weights, such as `model.onnx.data`.
    private static func onnxBytes(_ file: URL) -> Int {
        let name = file.lastPathComponent
        let own = [
            name, name + ".data", name + "_data", file.deletingPathExtension().lastPathComponent + ".data",
        ]
        return Set(own).reduce(0) { sum, name in
            let weights = file.deletingLastPathComponent().appending(path: name).resolvingSymlinksInPath()
            let size = try? FileManager.default.attributesOfItem(atPath: weights.path)[.size]
            return sum + ((size as? Int) ?? 0)
        }
    }

    private static func files(in directory: URL) -> [URL] {
        ((try? FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)) ?? [])
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
    }

    private static func isThere(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }

    private static func hasTokenizer(_ directory: URL) -> Bool {
        ["tokenizer.json", "vocab.txt", "vocab.json"].contains { isThere(directory.appending(path: $0)) }
    }
}

extension BenchmarkSubject {
    /// Looks at all models, gives each a name of its own, and to those without a tokenizer the first other's.
    ///
    /// - Throws: `DistillationError` where none has a tokenizer.
    static func all(_ urls: [URL]) throws -> [BenchmarkSubject] {
        var subjects = try urls.map { try BenchmarkSubject($0) }
        let names = subjects.map(\.name)
        for index in subjects.indices {
            let namesakes = subjects.indices.filter { names[$0] == names[index] }
            if namesakes.contains(where: { subjects[$0].path != subjects[index].path }) {
                subjects[index].name = urls[index].path(percentEncoded: false)
            }
        }
        // The same model twice shows the variation that the machine adds.
        for index in subjects.indices {
            let earlier = subjects[..<index].count { $0.path == subjects[index].path }
            if earlier > 0 { subjects[index].name += " (\(earlier + 1))" }
        }
        guard let donor = subjects.first(where: { $0.tokenizer != nil }) else {
            throw DistillationError(
                "\(subjects[0].path.path): has no tokenizer beside it; copy the model's tokenizer files there, or "
                    + "measure it beside a model directory that has them")
        }
        for index in subjects.indices where subjects[index].tokenizer == nil {
            subjects[index].tokenizer = donor.tokenizer
            subjects[index].tokenizerDirectory = donor.directory
        }
        return subjects
    }

    /// Returns the labels of the outputs; for an ONNX file without `config.json`, the classes of the model whose tokenizer it
    /// uses.
    func labels(among subjects: [BenchmarkSubject]) -> ModelConfiguration? {
        configuration ?? subjects.first { $0.directory == tokenizerDirectory }?.configuration
    }

    /// Returns the number of tokens of a text that it reads; see `TextLength`.
    /// An export, which has no record of its training, reads as much as the first model that has one.
    func length(_ wanted: Int?, among subjects: [BenchmarkSubject]) -> Int {
        let trained = TextLength.trained(in: directory)
        let others = subjects.lazy.compactMap { TextLength.trained(in: $0.directory) }
        return TextLength.tokens(
            wanted: wanted ?? trained ?? others.first, in: directory, tokenizer: tokenizer,
            positions: configuration?.maxLength)
    }

    /// The longest input that the model takes, as far as its files say.
    var maximumLength: Int { configuration?.maxLength ?? tokenizer?.modelMaxLength ?? 512 }
}
