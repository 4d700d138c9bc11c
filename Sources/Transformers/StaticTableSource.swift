import Architectures
import Files
import Foundation
import Safetensors
import Torch

/// The parameters of a static model: its table in any form that model2vec and sentence-transformers write, with a row for each token,
/// and those of its head.
///
/// Rows that several tokens share (`mapping`) become a row for each, and weights by token (`weights`) are multiplied into them.
final class StaticTableSource: ParameterSource {
    private let path: String
    private let checkpoint: SafetensorsCheckpoint
    private let base: CheckpointSource
    private static let tensors: Set<String> = [
        StaticNames.stored.model2vec, StaticNames.stored.sentenceTransformers, "mapping", "weights",
    ]

    /// - Parameters:
    ///   - directory: The directory of the table.
    ///   - base: The source of other parameters.
    /// - Throws: `SafetensorsError` where the file is damaged.
    init(directory: URL, base: CheckpointSource) throws {
        path = directory.plainPath
        checkpoint = try SafetensorsCheckpoint(directory: directory)
        self.base = base
    }

    func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        switch name {
        case StaticNames.table + ".weight":
            let table = try table()
            guard table.shape == shape else {
                throw TransformersError(
                    "\(path): the table has the shape \(table.shape), the configuration needs \(shape); use the config.json that "
                        + "belongs to these weights")
            }
            return try table.to(device)
        // They are part of the rows as they were saved.
        case StaticNames.tokenWeights + ".weight": return nil
        default: return try base.parameter(named: name, shape: shape, device: device)
        }
    }

    /// (V, H) float32 on the CPU.
    private func table() throws -> Tensor {
        let (own, others) = (StaticNames.stored.model2vec, StaticNames.stored.sentenceTransformers)
        guard checkpoint.info(others) == nil else { return try numbers(others, rank: 2) }
        guard checkpoint.info(own) != nil else {
            throw TransformersError(
                "\(path): has no tensor '\(others)' or '\(own)'; copy the whole directory of the model")
        }
        var table = try numbers(own, rank: 2)
        if let rows = try mapping(of: table.size(0)) {
            table = try table.indexSelect(dimension: 0, Tensor(rows))
        }
        guard checkpoint.info("weights") != nil else { return table }
        let weights = try numbers("weights", rank: 1)
        guard try weights.size(0) == table.size(0) else {
            throw TransformersError(
                "\(path): tensor 'weights' has \(weights.count) numbers, the table \(try table.size(0)) tokens; use the files that "
                    + "belong together")
        }
        return try table * weights.unsqueezed(1)
    }

    private func numbers(_ name: String, rank: Int) throws -> Tensor {
        guard let info = checkpoint.info(name), info.shape.count == rank, info.shape.allSatisfy({ $0 > 0 }),
            let dtype = CheckpointSource.floatingPointTypes[info.dtype]
        else {
            let found = checkpoint.info(name).map { "\($0.dtype.rawValue) \($0.shape)" } ?? "missing"
            throw TransformersError(
                "\(path): tensor '\(name)' is \(found); a table of F32, F16, BF16 or F64 is needed, as model2vec saves it without "
                    + "quantization")
        }
        let tensor = try checkpoint.withBytes(of: name) {
            try Tensor(bytes: $0, shape: info.shape, dtype: dtype)
        }
        guard try FiniteWeights.holds(tensor) else { throw FiniteWeights.error(path, name) }
        return try tensor.to(.float32)
    }

    /// The row of each token; `nil` where rows are tokens.
    private func mapping(of rows: Int) throws -> [Int64]? {
        guard let info = checkpoint.info("mapping") else { return nil }
        guard info.shape.count == 1, ["I32", "I64"].contains(info.dtype.rawValue) else {
            throw TransformersError(
                "\(path): tensor 'mapping' must be a list of whole numbers (I64), not \(info.dtype.rawValue) \(info.shape)"
            )
        }
        let stored = try checkpoint.withBytes(of: "mapping") { bytes in
            (0..<info.shape[0]).map { token in
                info.dtype.rawValue == "I64"
                    ? bytes.loadUnaligned(fromByteOffset: token * 8, as: Int64.self)
                    : Int64(bytes.loadUnaligned(fromByteOffset: token * 4, as: Int32.self))
            }
        }
        return try stored.enumerated().map { token, row in
            guard (0..<Int64(rows)).contains(row) else {
                throw TransformersError(
                    "\(path): tensor 'mapping' leads from token \(token) to row \(row), of \(rows) rows; use the files that belong "
                        + "together")
            }
            return row
        }
    }

    /// The parameters that were not found, and the tensors that no model asked for.
    func report(for model: TransformerModel) -> LoadReport {
        let report = base.report(for: model)
        let own = Set([StaticNames.table + ".weight", StaticNames.tokenWeights + ".weight"])
        return LoadReport(
            newlyInitialized: report.newlyInitialized.filter { !own.contains($0) },
            unused: report.unused.filter { !Self.tensors.contains($0) })
    }
}
