import Architectures
import DistillRuntime
import Distillation
import Files
import Foundation
import RegularExpressions
import Tokenizers
import Torch

extension PredictCommand {
    /// Gives each text its vector.
    func embed(_ source: PredictInput, _ directory: URL, _ device: Device) throws {
        guard !pairs else {
            throw UsageError("a model of embeddings reads single texts; leave --pairs out")
        }
        guard aggregation == nil else {
            throw UsageError("--aggregation is for models of token classification, which \(model) is not")
        }
        guard device.kind == .cpu else {
            throw UsageError("embeddings are computed on the CPU alone; leave --device out")
        }
        let precision = (compute.precision ?? .float32).resolved(on: device)
        let embedder = try TextEmbedder(
            directory.path(percentEncoded: false),
            .init(maxLength: maxLength, usesBFloat16: precision.dtype == .bfloat16),
            expressions: ICURegularExpressions())
        for warning in embedder.warnings { Terminal.error("WARNING: \(warning)") }
        _ = try embedder.files.prompt(prompt)
        var (count, cut, read) = (0, 0, 0)
        while let inputs = try source.next() {
            let texts = inputs.compactMap { if case .success(let input) = $0 { input.text } else { nil } }
            let result: (values: [Float], cutCount: Int)
            do { result = try embedder.vectors(texts, prompt: prompt) } catch let error as TokenizerError {
                let sound = inputs.indices.filter { if case .success = inputs[$0] { true } else { false } }
                guard let index = error.textIndex, sound.indices.contains(index) else { throw error }
                throw DistillationError("\(source.position(count + sound[index] + 1)): \(error)")
            }
            var lines = PredictionLine.texts(vectors: result.values, width: embedder.dimension)[...]
            try Terminal.output(
                inputs.map { input in
                    switch input {
                    case .success: lines.removeFirst()
                    case .failure(let problem): PredictionLine.text(error: problem.description)
                    }
                }.joined(separator: "\n"))
            count += inputs.count
            cut += result.cutCount
            read += texts.count
        }
        guard cut > 0, let maxLength = embedder.maxLength else { return }
        Terminal.error(
            "WARNING: \(cut) of \(read) texts \(cut == 1 ? "is" : "are") longer than \(maxLength) tokens and cut there"
        )
    }
}
