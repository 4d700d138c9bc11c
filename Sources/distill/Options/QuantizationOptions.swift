import ArgumentParser
import Distillation
import Foundation
import Quantization
import Transformers

/// The method of quantizing a model.
struct QuantizationOptions: ParsableArguments {
    @Option(help: "The type of the weights: \(list(QuantizedType.self)).")
    var type = QuantizedType.int8

    @Option(
        help:
            "The quantization of the inputs of int8 layers: \(list(QuantizationConfiguration.Activations.self))."
    )
    var activations = QuantizationConfiguration.Activations.perToken

    @Option(help: "The calibration of the ranges of static activations: \(list(CalibrationMethod.self)).")
    var calibration = CalibrationMethod.minMax

    @Option(help: "The percentage of values that the percentile keeps.")
    var percentile = 99.99

    @Option(
        help: ArgumentHelp(
            "Texts that static activations are calibrated on. (default: those of --data)", valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var calibrationData: String?

    @Option(help: "The number of them that are used, spread evenly over the file.")
    var calibrationExamples = 512

    @Flag(inversion: .prefixedNo, help: "Quantize the embedding tables too.")
    var embeddings = true

    @Option(
        help: ArgumentHelp(
            "A layer that stays in floating point, such as bert.encoder.layer.0 or bert.pooler.dense; may be given several times.",
            valueName: "layer"))
    var keep: [String] = []

    @Option(
        help: ArgumentHelp(
            "The largest drop of the task's metric, in points; layers that cost more stay in floating point.",
            valueName: "points"))
    var accuracyDrop: Double?

    @Option(
        help: ArgumentHelp(
            "Drop the tokens that these texts never use; may be given several times. Texts made of the others get the same tokens as before.",
            valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var trimVocabulary: [String] = []

    @Option(help: "The number of times a token must occur in them to stay.")
    var trimMinimumCount = 1

    func assign(to request: inout QuantizeRequest) throws {
        request.vocabularyData = try trimVocabulary.map { try DataReference.url($0, split: .train) }
        request.minimumTokenCount = trimMinimumCount
        request.method.type = type
        request.method.activations = activations
        request.method.calibration = calibration
        request.method.percentile = percentile
        request.method.embeddings = embeddings
        request.method.keep = keep
        request.calibrationData = try calibrationData.map { try DataReference.url($0, split: .train) }
        request.calibrationExamples = calibrationExamples
        request.accuracyDrop = accuracyDrop
    }

    private static func list<Value: CaseIterable & RawRepresentable<String>>(_ type: Value.Type) -> String {
        type.allCases.map(\.rawValue).joined(separator: ", ")
    }
}

extension QuantizedType: ExpressibleByArgument {}
extension QuantizationConfiguration.Activations: ExpressibleByArgument {}
extension CalibrationMethod: ExpressibleByArgument {}
