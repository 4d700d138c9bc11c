import Distillation
import Transformers

extension ModelCard.Quantization {
    /// Makes the card's facts of a quantization from its report.
    init(_ report: QuantizationReport) {
        let method = report.method
        var words = [method.type.rawValue]
        if method.type == .int8 {
            words = [
                "int8 weights with a scale for each output channel",
                method.embeddings ? "tables in int8 with a scale for each row" : "tables in float32",
                "\(method.activations.rawValue) activations"
                    + (method.activations == .fixed ? " (\(method.calibration.rawValue))" : ""),
            ]
        }
        if let vocabulary = report.vocabulary {
            words.append("\(vocabulary.tokensAfter) of \(vocabulary.tokensBefore) tokens kept")
        }
        self.init(
            type: method.type, method: words.joined(separator: ", "), before: report.before,
            after: report.after, data: report.data,
            floatLayers: report.layers.filter { !$0.isQuantized }.map(\.name))
    }
}
