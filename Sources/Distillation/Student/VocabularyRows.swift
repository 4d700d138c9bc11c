import Architectures
import Torch
import Transformers

/// Another source's parameters, of which the tables with a row for each token have some rows alone.
struct VocabularyRows: ParameterSource {
    private let base: any ParameterSource
    private let tables: Set<String>
    /// The rows of a table in ``base``.
    private let count: Int
    private let rows: [Int64]

    /// - Parameters:
    ///   - base: Gives the whole tables.
    ///   - configuration: Of the model with the whole tables.
    ///   - keptIDs: The tokens whose rows stay, in the new order.
    init(_ base: any ParameterSource, of configuration: ModelConfiguration, keptIDs: [Int]) {
        self.base = base
        tables = [configuration.wordTableName, DecoderNames.output + ".weight"]
        count = configuration.vocabSize
        rows = keptIDs.map(Int64.init)
    }

    func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        guard tables.contains(name) else {
            return try base.parameter(named: name, shape: shape, device: device)
        }
        let whole = try base.parameter(named: name, shape: [count] + shape.dropFirst(), device: device)
        return try whole?.indexSelect(dimension: 0, Tensor(rows, device: device))
    }
}
