import Architectures
import GGUF

/// The types that a model's parameters have in its GGUF file, for training with their rounding.
public struct GGUFParameterTypes {
    /// The file's type.
    public let output: GGUFOutputType
    private let family: GGUFFamily
    private let choice: GGUFTypeChoice

    /// A parameter's type in the file.
    public struct Parameter: Sendable, Equatable {
        public let type: GGUFTensorType
        /// True if the parameter is stored as (inputs, outputs), whose blocks run along the inputs.
        public let isTransposed: Bool
    }

    /// - Parameters:
    ///   - configuration: The model's.
    ///   - output: The file's type.
    /// - Throws: ``ExportError`` for a model that is not written as GGUF.
    public init(configuration: ModelConfiguration, output: GGUFOutputType) throws {
        let (family, settings) = try GGUFExportModel.supported(configuration, path: configuration.source)
        (self.output, self.family) = (output, family)
        choice = GGUFTypeChoice(
            output: output, layers: configuration.numHiddenLayers, tiesOutput: settings.tiesOutput)
    }

    /// Returns a parameter's type; `nil` where it stays float32.
    ///
    /// - Parameters:
    ///   - name: Its name in the model.
    ///   - shape: Its shape in the model.
    public func type(of name: String, shape: [Int]) -> Parameter? {
        guard let entry = family.entry(ofCheckpoint: name), let file = family.fileName(of: name) else {
            return nil
        }
        let isTransposed = entry.conversion == .transposed
        let type = choice.type(of: file, shape: isTransposed ? shape.reversed() : shape).type
        return type == .f32 ? nil : Parameter(type: type, isTransposed: isTransposed)
    }
}

extension GGUFOutputType {
    /// The types that a student can be trained for.
    public static let trained = allCases.filter { $0.tensorType.blockSize > 1 }
}
