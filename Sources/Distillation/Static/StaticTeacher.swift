import Architectures
import Foundation
import RegularExpressions
import Tokenizers
import Torch
import Transformers

/// The teacher of a static student: the encoder of a sentence-transformers directory, and the tokens that the student gets.
struct StaticTeacher {
    /// The encoder's directory.
    let directory: URL
    let model: TransformerModel
    let vocabulary: StaticVocabulary

    /// The components of a hidden state.
    var width: Int { model.configuration.hiddenSize }

    /// - Parameters:
    ///   - url: The teacher's directory.
    ///   - device: The device on which it reads the tokens.
    ///   - takesClassifiers: True if a classifier may be the teacher, whose encoder reads the tokens.
    /// - Throws: ``DistillationError`` for a directory that is not one of sentence-transformers or has no encoder, and for weights
    ///   that are missing; `ArchitectureError`, `TokenizerError` and the errors of files that cannot be read.
    init(_ url: URL, device: Device, takesClassifiers: Bool = false, _ log: RunLog) throws {
        let path = url.path(percentEncoded: false)
        guard SentenceTransformer.isDirectory(url) else {
            guard !takesClassifiers else {
                try self.init(encoder: url, device: device)
                return
            }
            throw DistillationError(
                "\(path): is not a directory of sentence-transformers (it has no \(SentenceTransformer.fileName)), which the teacher of "
                    + "a static student must be: other encoders' vectors of tokens say little about meaning. Of a classifier give texts (--train)"
            )
        }
        let files = try SentenceTransformer(contentsOf: url)
        guard case .encoder(let encoder) = files.source else {
            throw DistillationError(
                "\(path): is a static model itself; give the teacher that it was made from")
        }
        let directory = URL(filePath: encoder)
        try LoadedModel.requireClassifier(directory, instead: "give an encoder")
        try self.init(encoder: directory, device: device)
        let tokenizer = try Tokenizer.load(for: model.configuration, in: directory)
        guard !files.lowercases || tokenizer.lowercases else {
            throw DistillationError(
                "\(path): do_lower_case is true in sentence_bert_config.json, but the tokenizer does not lowercase; put a "
                    + "normalizer Lowercase first in tokenizer.json, and set it to false")
        }
        for warning in model.configuration.warnings { log.send(.warning(warning)) }
        for case .dense(let dense) in files.stages {
            log.warnOnce(
                "\(dense.path): is left out: a static student learns the encoder's vectors, before dense layers"
            )
        }
    }

    /// Reads an encoder, whatever its head.
    private init(encoder directory: URL, device: Device) throws {
        guard try !ModelConfiguration(contentsOf: directory).isTable else {
            throw DistillationError(
                "\(directory.path): is a static model itself; give the teacher that it was made from")
        }
        self.directory = directory
        model = try Self.model(directory, device)
        vocabulary = try StaticVocabulary(directory: directory, expressions: ICURegularExpressions())
    }

    /// The number of components of a vector.
    ///
    /// - Parameters:
    ///   - wanted: Those that are asked for; `nil` for the usual ones.
    ///   - appliesPCA: False to keep the teacher's.
    func size(_ wanted: Int?, appliesPCA: Bool, _ log: RunLog) throws -> Int {
        let count = vocabulary.count
        guard appliesPCA else { return width }
        if let size = wanted, size > width {
            throw DistillationError(
                "embedding_size: the teacher's vectors have \(width) components, so that \(size) cannot be taken from them; give "
                    + "\(width) or fewer")
        }
        let size = wanted ?? min(StaticStudentRequest.usualSize, width)
        guard size < count else {
            throw DistillationError(
                "embedding_size: PCA of \(count) tokens gives fewer than \(size) components; give \(count - 1) or fewer, or leave "
                    + "PCA out (pca: false)")
        }
        if wanted == nil, size < StaticStudentRequest.usualSize {
            log.send(.note("The teacher's vectors have \(width) components, and so has the student's"))
        }
        return size
    }

    /// The encoder; its head is not read.
    private static func model(_ directory: URL, _ device: Device) throws -> TransformerModel {
        let (model, report) = try AutoModel.load(
            from: directory, task: .tokenClassification, device: device, isMapped: true)
        let missing = report.newlyInitialized.filter {
            !$0.hasPrefix("classifier.") && !$0.hasPrefix("head.")
        }
        guard missing.isEmpty else {
            throw DistillationError(
                "\(directory.path(percentEncoded: false)): the checkpoint lacks weights of the encoder "
                    + "(\(missing.prefix(4).joined(separator: ", "))); copy the whole directory of the model")
        }
        try model.parameters.freeze()
        return model
    }
}
