import Foundation
import Torch
import Transformers

/// What becomes of the matrix that leads from an embedding student's width to its teacher's.
public enum VectorProjection: String, CaseIterable, Sendable, Codable {
    /// It is a dense layer of the student: its vectors lie in the teacher's space, and either model can embed what the other is
    /// compared with (Vujanic et al., "LEAF", arXiv 2509.12539).
    case keep
    /// It is used in training alone.
    case drop
}

extension PoolingMode: Codable {}

/// The modules of a student for embeddings.
extension StudentBuilder {
    /// The student's modules for an encoder of some width.
    ///
    /// - Parameters:
    ///   - own: Those of the student's directory; `nil` where it has none.
    ///   - width: The width of a token's vector.
    /// - Throws: ``DistillationError`` for options that contradict each other.
    func modules(_ own: SentenceTransformer?, width: Int) throws -> SentenceTransformer? {
        guard let theirs = teacher?.model.configuration.embedding else {
            return try ownModules(own, width: width)
        }
        var base = own ?? theirs
        if options.pooling != nil, base.isTable {
            throw DistillationError(
                "\(base.path): is a static table, whose vector of a text is always the mean; leave --pooling out"
            )
        }
        if let pooling = options.pooling {
            base = SentenceTransformer(
                pooling: [pooling], width: base.tokenWidth ?? width, normalizes: base.normalizes)
        }
        if own == nil { (base.prompts, base.defaultPrompt) = (theirs.prompts, theirs.defaultPrompt) }
        base.maxLength = maxLength ?? base.maxLength ?? theirs.maxLength
        let pooled = base.pooledWidth(width)
        let outputs = joinedWidth ?? teacher?.model.configuration.outputCount ?? pooled
        // Several teachers' vectors together have the length 1.
        if joinedWidth != nil, !base.normalizes { base.stages.append(.normalize) }
        if options.usesPCA, let size = options.embeddingSize, size >= outputs {
            throw DistillationError(
                "--pca: the teacher's vectors have \(outputs) components, and --embedding-size is \(size); give a smaller one, or leave --pca "
                    + "out")
        }
        guard options.projection == .drop else {
            return base.resized(
                width: width,
                outputs: options.embeddingSize
                    ?? (joinedWidth == nil ? own.map { $0.width ?? width } : nil) ?? outputs)
        }
        if let size = options.embeddingSize, size != pooled {
            throw DistillationError(
                "--projection drop keeps the student's pooled states, of \(pooled) components, as its vectors, but --embedding-size is "
                    + "\(size); leave one of both out")
        }
        return base.resized(width: width, outputs: pooled)
    }

    /// The modules of a student whose teacher gives scores of pairs: its directory's, or the mean of the tokens' vectors, normalized.
    private func ownModules(_ own: SentenceTransformer?, width: Int) throws -> SentenceTransformer {
        guard options.projection == nil, !options.usesPCA else {
            throw DistillationError(
                "--projection and --pca are for a teacher of vectors, but this one gives scores of queries with documents; leave them out"
            )
        }
        var base =
            own ?? SentenceTransformer(pooling: [options.pooling ?? .mean], width: width, normalizes: true)
        if let pooling = options.pooling, own != nil {
            base = SentenceTransformer(
                pooling: [pooling], width: base.tokenWidth ?? width, normalizes: base.normalizes)
        }
        base.maxLength = maxLength ?? base.maxLength
        return base.resized(
            width: width, outputs: options.embeddingSize ?? own?.width ?? base.pooledWidth(width))
    }

    /// True if the student's outputs can be compared with its teacher's number by number: vectors of two widths cannot.
    ///
    /// - Throws: as the student's directory, where it cannot be read.
    var isNearTeacher: Bool {
        get throws {
            let configuration = teacher?.model.configuration
            guard task.embedsTexts,
                let outputs = joinedWidth
                    ?? (configuration?.embedding == nil ? nil : configuration?.outputCount)
            else {
                return true
            }
            let theirs = options.usesPCA ? options.embeddingSize ?? outputs : outputs
            guard let directory = options.directory else {
                return try self.configuration().outputCount == theirs
            }
            let own =
                SentenceTransformer.isDirectory(directory)
                ? try SentenceTransformer(contentsOf: directory) : nil
            let width = try own?.tokenWidth ?? ModelConfiguration(contentsOf: directory).hiddenSize
            return try modules(own, width: width).map { $0.width ?? width } == theirs
        }
    }

    /// Loads a student for embeddings from a directory, of sentence-transformers or of an encoder alone.
    func loadEmbedding(_ directory: URL, _ instrument: (any LayerHook)?) throws -> Student {
        var notes: [String] = []
        let (model, report) = try AutoModel.loadEmbedding(
            from: directory,
            modules: { own, width in
                guard let modules = try modules(own, width: width) else {
                    throw DistillationError(
                        "\(directory.path): a student for embeddings needs a teacher for embeddings")
                }
                return modules
            }, seed: seed, device: device, instrument: instrument, change: change)
        if !report.newlyInitialized.isEmpty { notes.append(report.description) }
        return Student(model: model, notes: notes)
    }
}
