import Architectures
import Conversations
import Distillation
import Exporters
import Foundation
import GGUF
import Tokenizers
import Torch
import Transformers

/// Sums up the squares of what each linear layer of a language model is multiplied by, column by column. It changes nothing.
///
/// Sums are taken in double precision, token after token, so that they do not depend on the number of threads; the inputs are
/// libtorch's, whose last bits may.
final class ImportanceCollector: LayerHook {
    private struct Sums {
        var squares: [Double]
        var count = 0
    }

    /// By the layer's full name.
    private var sums: [String: Sums] = [:]

    func input(_ x: Tensor, of layer: String) throws -> Tensor {
        let values = try x.array(of: Float.self)
        let columns = try x.size(x.shape.count - 1)
        var own = sums[layer] ?? Sums(squares: [Double](repeating: 0, count: columns))
        values.withUnsafeBufferPointer { values in
            own.squares.withUnsafeMutableBufferPointer { squares in
                for row in 0..<values.count / columns {
                    for column in 0..<columns {
                        let value = Double(values[row * columns + column])
                        squares[column] += value * value
                    }
                }
            }
        }
        own.count += values.count / columns
        guard own.squares.allSatisfy(\.isFinite) else {
            throw DistillationError(
                "the input of '\(layer)' is not finite on the calibration texts; look at the texts and the model"
            )
        }
        sums[layer] = own
        return x
    }

    func weight(_ weight: Tensor, of layer: String) throws -> Tensor { weight }

    /// The matrix, by the names of tensors in the file.
    func matrix(for model: GGUFExportModel) -> ImportanceMatrix {
        var matrix = ImportanceMatrix()
        for (layer, own) in sums {
            guard let name = model.fileName(ofLayer: layer) else { continue }
            matrix.entries[name] = .init(squares: own.squares.map { Float($0) }, count: Float(own.count))
        }
        return matrix
    }
}

/// Computes an importance matrix from texts.
struct ImportanceRun {
    let request: GGUFExportRequest
    /// The model's directory.
    let directory: URL
    let model: GGUFExportModel

    /// - Returns: The matrix, and the number of tokens that were read.
    /// - Throws: `DatasetError`, which names file and line; ``DistillationError`` where there are no texts; `InterruptedError`.
    func matrix(
        of texts: URL, _ log: RunLog, shouldStop: () -> Bool
    ) throws -> (matrix: ImportanceMatrix, tokens: Int) {
        let collector = ImportanceCollector()
        let (network, _) = try AutoModel.load(from: directory, isMapped: true, instrument: collector)
        let length = min(request.pieceLength, network.configuration.maxLength)
        let encoder = try TrainingTextEncoder.load(
            directory: directory, options: TrainingTextOptions(maxLength: max(2, length)))
        let columns = request.columns
        let stream = try TokenizedTextStream(
            texts, encoder: encoder,
            columns: RecordColumns(
                messages: columns.messages, prompt: columns.prompt, completion: columns.completion,
                text: columns.text))
        var (tokens, pieces) = (0, 0)
        reading: while let batch = try stream.next(64) {
            for text in batch where text.count > 0 {
                if shouldStop() { throw InterruptedError() }
                guard tokens < request.calibrationTokens else { break reading }
                let input = PackedInput(inputIDs: text.ids, offsets: [0, text.count], rows: [text.count - 1])
                _ = try withNoGrad { try network(input, ForwardOptions(stopsBeforeHead: true)) }
                tokens += text.count
                pieces += 1
                log.progress(
                    min(tokens, request.calibrationTokens), of: request.calibrationTokens, unit: "token")
            }
        }
        guard tokens > 0 else {
            throw DistillationError("\(texts.path): holds no text to calibrate with; give another file")
        }
        var matrix = collector.matrix(for: model)
        (matrix.datasets, matrix.chunks, matrix.chunkSize) = ([texts.lastPathComponent], pieces, length)
        return (matrix, tokens)
    }
}
