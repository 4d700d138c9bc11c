import DistillRuntime
import Synchronization

/// The models that are served at a time, in the order in which they were given; never none.
public struct ModelSet: Sendable {
    public let models: [ServedModel]

    /// The model of paths that name none.
    public var first: ServedModel { models[0] }

    /// The model of a name; the first one without.
    ///
    /// - Throws: ``ServingError`` for a name that no model has.
    public func model(_ name: String?) throws(ServingError) -> ServedModel {
        guard let name else { return first }
        guard let model = models.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
            throw ServingError(
                .validation,
                "no model is called '\(name)'; there is \(models.map(\.name).joined(separator: ", "))",
                status: 404)
        }
        return model
    }
}

/// The models that are served, opened anew on demand while requests go on.
///
/// A request keeps the models that it began with; they close when the last one is answered.
public final class ModelTable: Sendable {
    private let references: [ModelReference]
    private let options: ModelOptions
    private let maxBatchTokens: Int
    private let served: Mutex<ModelSet>

    /// Opens models.
    ///
    /// - Parameters:
    ///   - references: At least one, each with another name.
    ///   - options: How they are opened.
    ///   - maxBatchTokens: The number of tokens of a batch, which holds any text that a model reads.
    /// - Throws: ``ServingError`` for references and limits that do not fit; errors of `RuntimeModel.init`.
    public init(_ references: [ModelReference], _ options: ModelOptions, maxBatchTokens: Int) throws {
        guard !references.isEmpty else { throw ServingError(.validation, "give a model: --model DIRECTORY") }
        for (index, reference) in references.enumerated()
        where references[..<index].contains(where: { $0.name == reference.name }) {
            throw ServingError(
                .validation,
                "two models are called '\(reference.name)'; give one another name: --model NAME=DIRECTORY")
        }
        (self.references, self.options, self.maxBatchTokens) = (references, options, maxBatchTokens)
        served = Mutex(try Self.open(references, options, maxBatchTokens))
    }

    public var current: ModelSet { served.withLock { $0 } }

    /// Opens all models anew and serves them from now on; where one cannot be opened, those of before stay.
    ///
    /// - Throws: As the initializer.
    public func reload() throws {
        let opened = try Self.open(references, options, maxBatchTokens)
        served.withLock { $0 = opened }
    }

    private static func open(_ references: [ModelReference], _ options: ModelOptions, _ maxBatchTokens: Int)
        throws -> ModelSet
    {
        let models = try references.map { try ServedModel($0, options) }
        for model in models {
            guard let length = model.maxLength, length > maxBatchTokens else { continue }
            throw ServingError(
                .validation,
                "\(model.path): reads up to \(length) tokens, more than --max-batch-tokens \(maxBatchTokens); "
                    + "raise it, or give a smaller --max-length")
        }
        return ModelSet(models: models)
    }
}
